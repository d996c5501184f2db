//! `strongroom certificate policy`

use clap::{Args, Subcommand};

use super::policy_document::{self, PolicyDocument};
use super::policy_options::PolicyOptions;
use super::remove::CertificateArgs;
use super::target::CertificateRef;
use super::view::policy_fields;
use crate::api::grpc::pb;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::input::Source;
use crate::cli::{Context, table};

/// Subcommands of `strongroom certificate policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Show the policy; as JSON in the form of Azure's REST interface
    Show(CertificateArgs),
    /// Change the policy; existing versions do not change
    Set(Box<SetArgs>),
}

/// A certificate and the changes of its policy.
#[derive(Args, Clone, Debug)]
pub struct SetArgs {
    /// Name of the certificate
    #[arg(value_parser = CertificateRef::parse_live)]
    name: CertificateRef,
    /// File with members of the policy in JSON, in the form of Azure's REST interface or of `az`; - for standard input. Each member
    /// replaces the former one as a whole
    #[arg(long, value_name = "FILE")]
    policy: Option<Source>,
    #[command(flatten)]
    options: PolicyOptions,
}

/// Shows or changes a policy.
pub(super) async fn run(context: &Context, command: PolicyCommand) -> Outcome {
    let policy = match command {
        PolicyCommand::Show(args) => {
            let session = context.connect_vault().await?;
            let name = format!("{}/policy", args.name.live(session.vault())?);
            let request = pb::GetCertificatePolicyRequest { name };
            session.certificates().get_certificate_policy(request).await?.into_inner()
        }
        PolicyCommand::Set(args) => set(context, *args).await?,
    };
    let document = PolicyDocument::from(policy.clone());
    let text = || {
        let name = ("name", policy.name.clone());
        table::fields(&[vec![name], policy_fields(&policy)].concat())
    };
    context.output.print(&document, text)
}

/// Replaces the members of a file, or changes the current policy by options.
async fn set(context: &Context, args: SetArgs) -> Outcome<pb::CertificatePolicy> {
    let SetArgs { name, policy, options } = args;
    if policy.is_none() && options.is_empty() {
        return Err(Failure::Usage("no change is given; use --policy or an option of the policy".into()));
    }
    let given = policy.as_ref().map(policy_document::read).transpose()?;
    let session = context.connect_vault().await?;
    let name = format!("{}/policy", name.live(session.vault())?);
    let mut policy = given.clone().unwrap_or_default();
    let mut paths = members(&policy);
    if !options.is_empty() {
        // Members that the file does not have are those of the current policy.
        let request = pb::GetCertificatePolicyRequest { name: name.clone() };
        let known = session.certificates().get_certificate_policy(request).await?.into_inner();
        policy = merged(policy, known);
        paths.extend(options.apply(&mut policy));
        paths.sort_unstable();
        paths.dedup();
        if paths.is_empty() {
            return Ok(policy);
        }
    }
    if paths.is_empty() {
        return Err(Failure::problem("the file has no member of a policy"));
    }
    let paths = paths.into_iter().map(str::to_owned).collect();
    let update_mask = Some(prost_types::FieldMask { paths });
    let request = pb::UpdateCertificatePolicyRequest { name, policy: Some(policy), update_mask };
    Ok(session.certificates().update_certificate_policy(request).await?.into_inner())
}

/// The members that a policy has.
fn members(policy: &pb::CertificatePolicy) -> Vec<&'static str> {
    let members = [
        ("key", policy.key.is_some()),
        ("secret", policy.secret.is_some()),
        ("x509", policy.x509.is_some()),
        ("lifetime_actions", !policy.lifetime_actions.is_empty()),
        ("issuer", policy.issuer.is_some()),
        ("enabled", policy.enabled.is_some()),
    ];
    members.into_iter().filter(|(_, given)| *given).map(|(member, _)| member).collect()
}

/// Returns the policy with its own members, and otherwise those of `known`.
fn merged(policy: pb::CertificatePolicy, known: pb::CertificatePolicy) -> pb::CertificatePolicy {
    let actions = policy.lifetime_actions;
    pb::CertificatePolicy {
        key: policy.key.or(known.key),
        secret: policy.secret.or(known.secret),
        x509: policy.x509.or(known.x509),
        lifetime_actions: if actions.is_empty() { known.lifetime_actions } else { actions },
        issuer: policy.issuer.or(known.issuer),
        enabled: policy.enabled.or(known.enabled),
        ..known
    }
}
