//! What happens to a call: it is passed to the module behind, or struck by a fault.

use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use cryptoki_sys::{CK_RV, CK_SLOT_ID, CKR_DEVICE_REMOVED, CKR_GENERAL_ERROR, CKR_TOKEN_NOT_PRESENT};
use rustix::process::{Signal, getpid, kill_process};

use crate::codes;
use crate::control::{self, Rules};
use crate::journal::{complain, record};
use crate::rule::{Action, Crash, Rule};
use crate::tokens::{self, Subject, Token};

/// The interval at which a call that hangs looks whether its rule is gone.
const HANG_INTERVAL: Duration = Duration::from_millis(10);

/// Read while a call is in the module behind, written while that loses its sessions: a module may crash if they are closed during
/// a call.
static IN_PROGRESS: RwLock<()> = RwLock::new(());

/// Functions that end or begin the use of a token. They are not refused while it is absent.
const UNCONDITIONAL: [&str; 3] = ["C_CloseAllSessions", "C_CloseSession", "C_GetSlotInfo"];

/// Runs a call of the application: `real` passes it to the module behind.
pub(crate) fn run(function: &str, subject: Subject, real: impl Fn() -> CK_RV) -> CK_RV {
    let Ok(rules) = control::rules() else { return CKR_GENERAL_ERROR };
    if let Some(code) = refusal(function, subject, &rules) {
        return code;
    }
    let real = || {
        let _passing = IN_PROGRESS.read().unwrap_or_else(PoisonError::into_inner);
        real()
    };
    if rules.rules.is_empty() {
        return real();
    }
    match select(function, subject, &rules) {
        Ok((fault, logs)) => {
            let code = fault.map_or_else(&real, |rule| strike(function, rule, &real));
            for rule in logs {
                record(function, &rule.name, &format!("passed: {}", codes::name(code)));
            }
            code
        }
        Err(why) => {
            complain(&why);
            CKR_GENERAL_ERROR
        }
    }
}

/// Whether some token may be absent.
pub(crate) fn can_be_absent() -> bool {
    control::rules().is_ok_and(|rules| !rules.absences.is_empty())
}

/// Whether the token in a slot is absent.
pub(crate) fn is_absent(slot: CK_SLOT_ID) -> bool {
    control::rules().is_ok_and(|rules| absence(&rules, Token::in_slot(slot).as_ref()).is_some())
}

fn absence<'a>(rules: &'a Rules, token: Option<&Token>) -> Option<&'a Rule> {
    rules.absences.iter().find(|rule| token.is_some_and(|token| token.is_of(&rule.tokens)))
}

/// The code of a call that concerns an absent token.
fn refusal(function: &str, subject: Subject, rules: &Rules) -> Option<CK_RV> {
    if rules.absences.is_empty() || UNCONDITIONAL.contains(&function) {
        return None;
    }
    let token = subject.token()?;
    let rule = absence(rules, Some(&token))?;
    {
        let _alone = IN_PROGRESS.write().unwrap_or_else(PoisonError::into_inner);
        tokens::removed(token.slot);
    }
    let code =
        if matches!(subject, Subject::Session(_)) { CKR_DEVICE_REMOVED } else { CKR_TOKEN_NOT_PRESENT };
    record(function, &rule.name, &format!("absent: {}", codes::name(code)));
    Some(code)
}

/// Counts a call for the rules that match it, up to the first that strikes it. Returns that one, and those that log the call.
fn select<'a>(
    function: &str,
    subject: Subject,
    rules: &'a Rules,
) -> Result<(Option<&'a Rule>, Vec<&'a Rule>), String> {
    let mut token = None;
    let mut logs = Vec::new();
    for (rule, count) in &rules.rules {
        if !rule.names(function) {
            continue;
        }
        if !rule.tokens.is_empty() {
            let token: &Option<Token> = token.get_or_insert_with(|| subject.token());
            if !token.as_ref().is_some_and(|token| token.is_of(&rule.tokens)) {
                continue;
            }
        }
        let strikes = count
            .strikes(&rule.window)
            .map_err(|error| format!("counting the calls of rule {}: {error}", rule.name))?;
        match (strikes, rule.action) {
            (false, _) => {}
            (true, Action::Log) => logs.push(rule),
            (true, _) => return Ok((Some(rule), logs)),
        }
    }
    Ok((None, logs))
}

/// Has a fault take effect.
fn strike(function: &str, rule: &Rule, real: &impl Fn() -> CK_RV) -> CK_RV {
    let made = rule.after.then(real);
    let when = match made {
        Some(code) => format!("after the call, which returned {}", codes::name(code)),
        None => "before the call".to_owned(),
    };
    let record = |what: &str| record(function, &rule.name, &format!("{what} {when}"));
    if rule.delay_ms > 0 {
        pause(Duration::from_millis(rule.delay_ms));
    }
    match rule.action {
        Action::Return(code) => {
            record(&codes::name(code));
            return code;
        }
        Action::Delay => record(&format!("delay of {} ms", rule.delay_ms)),
        Action::Hang => {
            record("hang");
            while !control::rules().is_ok_and(|rules| !rules.contain(rule)) {
                pause(HANG_INTERVAL);
            }
        }
        Action::Crash(crash) => {
            record("crash");
            end(crash);
        }
        Action::Lose(loss) => {
            record("loss");
            let _alone = IN_PROGRESS.write().unwrap_or_else(PoisonError::into_inner);
            tokens::lose(loss, &rule.tokens);
        }
        Action::Log | Action::Absent => {}
    }
    made.unwrap_or_else(real)
}

/// Ends the process.
fn end(crash: Crash) -> ! {
    let signal = match crash {
        Crash::Abrt => std::process::abort(),
        Crash::Segv => Signal::SEGV,
        Crash::Kill => Signal::KILL,
    };
    loop {
        // A handler of the first signal may restore the default action only.
        let _ = kill_process(getpid(), signal);
        pause(Duration::from_millis(1));
    }
}

#[expect(clippy::disallowed_methods, reason = "faults take real time")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}
