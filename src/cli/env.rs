//! `strongroom env`: prints the environment variables that connect Azure SDKs to the simulator.

use std::collections::BTreeMap;
use std::path::Path;

use clap::Args;
use secrecy::ExposeSecret;
use zeroize::Zeroizing;

use super::Context;
use super::connection::{self, Connection};
use super::failure::{Failure, Outcome};
use super::options::{Format, Options};
use super::output;
use crate::server::{is_shell_safe, shell_quoted};

/// The output form and the authentication method.
#[derive(Args, Clone, Debug)]
pub struct EnvArgs {
    /// Print for a POSIX shell (the default): eval "$(strongroom env)"
    #[arg(long, group = "form")]
    shell: bool,
    /// Print in the format of .env files
    #[arg(long, group = "form")]
    dotenv: bool,
    /// Print as a JSON object
    #[arg(long, group = "form")]
    json: bool,
    /// Authenticate with the principal's certificate instead of its client secret
    #[arg(long, conflicts_with = "managed_identity")]
    certificate: bool,
    /// Authenticate as the managed identity of this machine, without a client secret
    #[arg(long)]
    managed_identity: bool,
    /// Set the tenant to "adfs", which keeps Python and Node from instance discovery at login.microsoftonline.com
    #[arg(long)]
    adfs: bool,
}

/// Names and values in output order.
type Variables = Vec<(&'static str, Zeroizing<String>)>;

/// Prints the variables, including secrets: clients need them to authenticate.
pub(super) fn run(context: &Context, args: &EnvArgs) -> Outcome {
    let connection = connection::load_required(&context.options.data_dir())?;
    let variables = variables(&connection, &context.options, args)?;
    let text = if args.json || (context.options.output == Format::Json && !args.shell && !args.dotenv) {
        json(&variables)?
    } else if args.dotenv {
        dotenv(&variables)?
    } else {
        shell(&variables, args, &connection.ca_file)
    };
    output::write_stdout(text.as_bytes())
}

fn variables(connection: &Connection, options: &Options, args: &EnvArgs) -> Outcome<Variables> {
    let mut variables = Variables::new();
    let mut add = |name, value: &str| variables.push((name, Zeroizing::new(value.to_owned())));
    add("AZURE_AUTHORITY_HOST", &connection.authority);
    add("AZURE_TENANT_ID", if args.adfs { "adfs" } else { &connection.tenant_id });
    if args.managed_identity {
        let Some(identity) = &connection.managed_identity else {
            return Err(Failure::problem("the simulator does not serve managed identities").hint(
                "its listen address was in use at start-up (set simulator.managed_identity_listen), or no principal of its \
                 seed is a managed identity",
            ));
        };
        add("IDENTITY_ENDPOINT", &identity.endpoint);
        add("IDENTITY_HEADER", identity.header.expose_secret());
        add("AZURE_POD_IDENTITY_AUTHORITY_HOST", &identity.host);
    } else {
        let principal = connection.principal(&options.principal)?;
        add("AZURE_CLIENT_ID", &principal.client_id);
        match &principal.certificate_file {
            Some(file) if args.certificate => add("AZURE_CLIENT_CERTIFICATE_PATH", path(file)?),
            None if args.certificate => {
                return Err(Failure::problem(format!("{} has no certificate", principal.name))
                    .hint("set `certificate = true` or a certificate_file for the principal in the seed"));
            }
            _ => add("AZURE_CLIENT_SECRET", principal.client_secret.expose_secret()),
        }
    }
    add("AZURE_SUBSCRIPTION_ID", &connection.subscription_id.to_string());
    let hsm = options.containers.hsm.as_ref().unwrap_or(&connection.hsm);
    let url = connection.data_plane(hsm);
    add("AZURE_KEYVAULT_URL", &url);
    add("AZURE_MANAGEDHSM_URL", &url);
    // These three replace the default trust store, so they need the full bundle; NODE_EXTRA_CA_CERTS adds to it.
    let bundle = path(connection.ca_bundle_file.as_ref().unwrap_or(&connection.ca_file))?;
    for name in ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"] {
        add(name, bundle);
    }
    add("NODE_EXTRA_CA_CERTS", path(&connection.ca_file)?);
    // A setting of the Azure CLI that keeps MSAL from instance discovery at login.microsoftonline.com.
    add("AZURE_CORE_INSTANCE_DISCOVERY", "false");
    Ok(variables)
}

fn path(path: &Path) -> Outcome<&str> {
    path.to_str().ok_or_else(|| Failure::problem(format!("the path {} is not UTF-8", path.display())))
}

fn json(variables: &Variables) -> Outcome<Zeroizing<String>> {
    let object: BTreeMap<_, &str> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut text = serde_json::to_string_pretty(&object)
        .map_err(|error| Failure::problem(format!("cannot serialize the result: {error}")))?;
    text.push('\n');
    Ok(Zeroizing::new(text))
}

/// Formats a .env file. Parsers agree on plain values, and on single-quoted values without quotes and backslashes only.
///
/// Errors if a value needs more than that.
fn dotenv(variables: &Variables) -> Outcome<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    for (name, value) in variables {
        let has = |c: char| value.contains(c);
        let value = match value.as_str() {
            plain if is_shell_safe(plain) => plain.to_owned(),
            other if !has('\'') && !has('\\') && !has('\n') && !has('\r') => format!("'{other}'"),
            _ => {
                let message = format!(
                    "{name}: the value has quotes or backslashes, which parsers of .env files read differently"
                );
                return Err(Failure::problem(message).hint("use --shell or --json"));
            }
        };
        text.push_str(&format!("{name}={value}\n"));
    }
    Ok(text)
}

/// Formats shell commands. Unsets the variables that take precedence over the chosen authentication method.
fn shell(variables: &Variables, args: &EnvArgs, ca_file: &Path) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    if args.certificate {
        text.push_str("unset AZURE_CLIENT_SECRET\n");
    } else if args.managed_identity {
        text.push_str("unset AZURE_CLIENT_ID AZURE_CLIENT_SECRET AZURE_CLIENT_CERTIFICATE_PATH\n");
    }
    for (name, value) in variables {
        text.push_str(&format!("export {name}={}\n", shell_quoted(value)));
    }
    let (ca, store) = (ca_file.to_string_lossy(), ca_file.with_file_name("truststore.p12"));
    let store = store.to_string_lossy();
    text.push_str(&format!(
        "# Java has a trust store of its own: create it once, and set the option where needed:\n\
         #   keytool -importcert -noprompt -alias strongroom -file {} -keystore {} -storetype PKCS12 -storepass changeit\n\
         #   export JAVA_TOOL_OPTIONS={}\n",
        shell_quoted(&ca),
        shell_quoted(&store),
        shell_quoted(&format!(
            "-Djavax.net.ssl.trustStore={store} -Djavax.net.ssl.trustStoreType=PKCS12 -Djavax.net.ssl.trustStorePassword=changeit"
        )),
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(value: &str) -> Variables {
        vec![("NAME", Zeroizing::new(value.to_owned()))]
    }

    #[test]
    fn dotenv_rejects_ambiguous_values() {
        for (value, written) in [("a/b-c_d.e:1", "a/b-c_d.e:1"), ("a b#c$d", "'a b#c$d'"), ("", "")] {
            assert_eq!(*dotenv(&variables(value)).unwrap(), format!("NAME={written}\n"));
        }
        for value in ["it's", "a\\b", "a\nb"] {
            let failure = dotenv(&variables(value)).unwrap_err();
            assert!(!format!("{failure:?}").contains(value), "{failure:?}");
        }
    }
}
