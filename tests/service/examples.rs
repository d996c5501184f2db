//! Tests that the worked examples of the documentation print the documented output.

use crate::support::Server;
use crate::tour::shell;

const BILLING: &str = "docs/billing.md";

/// Runs the lines of each ```` ```sh example ```` block on one server, and returns the page with each following
/// ```` ```text ```` block replaced by the output of its queries.
fn with_actual_output(page: &str) -> String {
    let server = Server::start();
    let directory = tempfile::tempdir().unwrap();
    let mut new = String::new();
    let mut lines = page.lines();
    let mut output = None;
    while let Some(line) = lines.next() {
        new.push_str(line);
        new.push('\n');
        if line == "```sh example" {
            let mut printed = String::new();
            for command in lines.by_ref() {
                new.push_str(command);
                new.push('\n');
                if command == "```" {
                    break;
                }
                let text = run(&server, directory.path(), command);
                // Only the output of usage queries and of their processing is documented.
                if (command.contains(" usage ") && !command.contains(" create "))
                    || command.starts_with("cut ")
                {
                    if !printed.is_empty() && !text.is_empty() {
                        printed.push('\n');
                    }
                    printed.push_str(&text);
                }
            }
            output = Some(printed);
        } else if line == "```text"
            && let Some(printed) = output.take()
        {
            new.push_str(&printed);
            new.push_str("```\n");
            lines.by_ref().find(|line| *line == "```");
        }
    }
    new
}

fn run(server: &Server, directory: &std::path::Path, line: &str) -> String {
    let output = shell()
        .args(["-euo", "pipefail", "-c", line])
        .current_dir(directory)
        .env("STRONGROOM_DATA_DIR", server.directory())
        .output()
        .unwrap();
    assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn billing_examples_print_documented_output() {
    let page = std::fs::read_to_string(BILLING).unwrap();
    let new = with_actual_output(&page);
    assert!(new.matches("```sh example").count() >= 5, "the page has no examples");
    if new != page {
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("billing.md");
        std::fs::write(&path, &new).unwrap();
        let difference =
            std::process::Command::new("diff").arg("-u").arg(BILLING).arg(&path).output().unwrap();
        let difference = String::from_utf8_lossy(&difference.stdout);
        panic!("{difference}\nif the change is intended: cp {} {BILLING}", path.display());
    }
}
