//! The rules of the control file: which calls a fault concerns, and what happens to them.

use std::path::PathBuf;

use cryptoki_sys::CK_RV;
use serde::Deserialize;

use crate::codes;
use crate::function_names::FUNCTIONS;

/// The content of a control file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    fault: Vec<Table>,
}

/// A `[[fault]]` table as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: Option<String>,
    function: Option<Names>,
    on: Option<u64>,
    times: Option<u64>,
    probability: Option<f64>,
    seed: Option<u64>,
    label: Option<String>,
    serial: Option<String>,
    counter: Option<PathBuf>,
    #[serde(rename = "return")]
    code: Option<Code>,
    #[serde(default)]
    after: bool,
    delay_ms: Option<u64>,
    #[serde(default)]
    hang: bool,
    crash: Option<Crash>,
    lose: Option<Loss>,
    token: Option<Presence>,
    #[serde(default)]
    log: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Code {
    Name(String),
    Number(u32),
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Presence {
    Absent,
}

/// A rule.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Rule {
    /// The name of the rule, or its position in the file, for the log.
    pub(crate) name: String,
    /// The functions; `None` stands for all.
    functions: Option<Vec<String>>,
    pub(crate) tokens: TokenFilter,
    pub(crate) window: Window,
    /// Whether the module behind is called before the fault.
    pub(crate) after: bool,
    /// Milliseconds of delay before the action.
    pub(crate) delay_ms: u64,
    pub(crate) action: Action,
}

/// The calls that a rule strikes, among those that it matches.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Window {
    /// The number of the first call.
    pub(crate) on: u64,
    /// The number of calls; 0 stands for all.
    pub(crate) times: u64,
    /// The share of calls, which `seed` selects.
    pub(crate) probability: Option<f64>,
    pub(crate) seed: u64,
    /// The file that counts for all processes.
    pub(crate) counter: Option<PathBuf>,
}

/// What a rule does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    /// Only the delay.
    Delay,
    /// Nothing; the call is logged.
    Log,
    Return(CK_RV),
    /// The call does not return while the control file has the rule.
    Hang,
    Crash(Crash),
    Lose(Loss),
    /// The token is absent while the control file has the rule.
    Absent,
}

/// The signal that ends the process.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Crash {
    Segv,
    Abrt,
    Kill,
}

/// What the token loses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Loss {
    Sessions,
    Login,
}

/// The tokens that a rule concerns.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct TokenFilter {
    label: Option<String>,
    serial: Option<String>,
}

impl TokenFilter {
    /// Whether it concerns all tokens, and calls that concern none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.label.is_none() && self.serial.is_none()
    }

    pub(crate) fn matches(&self, label: &str, serial: &str) -> bool {
        self.label.as_deref().is_none_or(|wanted| wanted == label)
            && self.serial.as_deref().is_none_or(|wanted| wanted == serial)
    }
}

impl Rule {
    /// Parses a control file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Vec<Self>, String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        let rules = file.fault.into_iter().enumerate();
        rules
            .map(|(index, table)| {
                Self::check(index + 1, table).map_err(|why| format!("fault {}: {why}", index + 1))
            })
            .collect()
    }

    /// Whether the rule concerns a function.
    pub(crate) fn names(&self, function: &str) -> bool {
        self.action != Action::Absent
            && self.functions.as_ref().is_none_or(|names| names.iter().any(|name| name == function))
    }

    /// Whether a rule is the same, apart from its name or position.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Self { name: other.name.clone(), ..self.clone() } == *other
    }

    fn check(position: usize, table: Table) -> Result<Self, String> {
        let action = action(&table)?;
        if action == Action::Absent {
            let others = [
                table.function.is_some(),
                table.on.is_some(),
                table.times.is_some(),
                table.probability.is_some(),
                table.counter.is_some(),
                table.after,
                table.delay_ms.is_some(),
            ];
            if others.contains(&true) {
                return Err("`token` is combined with `label`, `serial` and `name` only".to_owned());
            }
        } else if table.function.is_none() {
            return Err("`function` is missing".to_owned());
        }
        if table.after && matches!(action, Action::Lose(_) | Action::Log) {
            return Err("`after` has no meaning with `lose` and `log`".to_owned());
        }
        let window = Window {
            on: table.on.unwrap_or(1),
            // A log line is not a fault that happens once.
            times: table.times.unwrap_or(if action == Action::Log { 0 } else { 1 }),
            probability: table.probability,
            seed: table.seed.unwrap_or(0),
            counter: table.counter,
        };
        if window.on == 0 {
            return Err("`on` counts from 1".to_owned());
        }
        if window.probability.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            return Err("`probability` is between 0 and 1".to_owned());
        }
        if window.counter.as_ref().is_some_and(|path| !path.is_absolute()) {
            return Err("`counter` is an absolute path".to_owned());
        }
        Ok(Self {
            name: table.name.unwrap_or_else(|| position.to_string()),
            functions: functions(table.function)?,
            tokens: TokenFilter { label: table.label, serial: table.serial },
            window,
            after: table.after,
            delay_ms: table.delay_ms.unwrap_or(0),
            action,
        })
    }
}

/// The one action of a table.
fn action(table: &Table) -> Result<Action, String> {
    let mut actions = Vec::new();
    if let Some(code) = &table.code {
        actions.push(Action::Return(match code {
            Code::Name(name) => codes::by_name(name).ok_or_else(|| format!("there is no code {name}"))?,
            Code::Number(number) => CK_RV::from(*number),
        }));
    }
    actions.extend(table.hang.then_some(Action::Hang));
    actions.extend(table.crash.map(Action::Crash));
    actions.extend(table.lose.map(Action::Lose));
    actions.extend(table.token.as_ref().map(|Presence::Absent| Action::Absent));
    actions.extend(table.log.then_some(Action::Log));
    match (actions.as_slice(), table.delay_ms) {
        ([action], _) => Ok(*action),
        ([], Some(_)) => Ok(Action::Delay),
        ([], None) => Err("it has none of return, delay_ms, hang, crash, lose, token, log".to_owned()),
        _ => Err("it has more than one of return, hang, crash, lose, token, log".to_owned()),
    }
}

/// The functions of a table; `None` stands for all.
fn functions(names: Option<Names>) -> Result<Option<Vec<String>>, String> {
    let names = match names {
        None => return Ok(None),
        Some(Names::One(name)) if name == "*" => return Ok(None),
        Some(Names::One(name)) => vec![name],
        Some(Names::Several(names)) => names,
    };
    match names.iter().find(|name| !FUNCTIONS.contains(&name.as_str())) {
        Some(unknown) => Err(format!("there is no function {unknown}")),
        None => Ok(Some(names)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Vec<Rule> {
        Rule::parse(text).unwrap()
    }

    #[test]
    fn rules_have_the_documented_defaults() {
        let rule = &rules("[[fault]]\nfunction = \"C_Sign\"\nreturn = \"CKR_DEVICE_ERROR\"")[0];
        assert!(rule.names("C_Sign") && !rule.names("C_SignInit"));
        assert_eq!((rule.window.on, rule.window.times, rule.after, rule.delay_ms), (1, 1, false, 0));
        assert_eq!((rule.action, rule.name.as_str()), (Action::Return(0x30), "1"));
        assert!(rule.tokens.is_empty());
        assert!(rules("").is_empty());
        let all = &rules("[[fault]]\nfunction = \"*\"\ndelay_ms = 5")[0];
        assert!(all.names("C_Initialize") && all.action == Action::Delay);
        assert_eq!(rules("[[fault]]\nfunction = \"C_Login\"\nlog = true")[0].window.times, 0);
        let vendor = &rules("[[fault]]\nfunction = [\"C_Sign\", \"C_Decrypt\"]\nreturn = 0x80000001")[0];
        assert_eq!(vendor.action, Action::Return(0x8000_0001));
        assert!(vendor.names("C_Decrypt") && !vendor.names("C_Encrypt"));
    }

    #[test]
    fn rules_of_one_token_match_its_label_and_serial() {
        let rule = &rules("[[fault]]\ntoken = \"absent\"\nlabel = \"north\"")[0];
        assert!(rule.tokens.matches("north", "1") && !rule.tokens.matches("south", "1"));
        assert!(!rule.names("C_Sign"), "absence is not a fault of single calls");
    }

    #[test]
    fn malformed_files_are_rejected_with_a_reason() {
        for (text, reason) in [
            ("[[fault]]\nfunction = \"C_Sing\"\nhang = true", "fault 1: there is no function C_Sing"),
            ("[[fault]]\nfunction = \"C_Sign\"\nreturn = \"CKR_DEVICE_EROR\"", "no code CKR_DEVICE_EROR"),
            ("[[fault]]\nfunction = \"C_Sign\"", "none of return"),
            ("[[fault]]\nfunction = \"C_Sign\"\nhang = true\ncrash = \"SEGV\"", "more than one of"),
            ("[[fault]]\nhang = true", "`function` is missing"),
            ("[[fault]]\ntoken = \"absent\"\nfunction = \"*\"", "`token` is combined with"),
            ("[[fault]]\nfunction = \"*\"\nlose = \"login\"\nafter = true", "`after` has no meaning"),
            ("[[fault]]\nfunction = \"*\"\nhang = true\non = 0", "counts from 1"),
            ("[[fault]]\nfunction = \"*\"\nhang = true\nprobability = 1.5", "between 0 and 1"),
            ("[[fault]]\nfunction = \"*\"\nhang = true\ncounter = \"count\"", "absolute path"),
            ("[[fault]]\nfunction = \"*\"\ncrash = \"TERM\"", "unknown variant"),
            ("[[fault]]\nfunction = \"*\"\nhangs = true", "unknown field"),
            ("[[faults]]\nfunction = \"*\"", "unknown field"),
            ("fault", "expected"),
        ] {
            let error = Rule::parse(text).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
