//! Tests `strongroom setting`.

use super::Cli;

const SETTING: &str = "AllowKeyManagementOperationsThroughARM";

#[test]
fn settings_are_listed_shown_and_changed() {
    let cli = Cli::new();
    let name = format!("hsms/local/settings/{SETTING}");
    let off = serde_json::json!({"name": name, "setting": SETTING, "type": "boolean", "value": "false"});
    assert_eq!(cli.json("setting list"), serde_json::json!([off]));
    assert_eq!(cli.json(&format!("setting show {SETTING}")), off);
    let text = cli.ok(&format!("setting update {SETTING} TRUE"));
    assert!(text.contains(SETTING) && text.contains("true"), "{text}");
    let listed = cli.ok("--as administrator setting list");
    assert!(listed.contains("NAME") && listed.contains("boolean") && listed.contains("true"), "{listed}");
    assert_eq!(cli.run(&format!("setting update {SETTING} on")).code, 2);
    assert!(cli.fails("setting show Other").contains("reason: SETTING_NOT_FOUND"));
    let refused = cli.fails(&format!("--as crypto-officer setting update {SETTING} true"));
    assert!(refused.contains("settings/write/action at /"), "{refused}");
}
