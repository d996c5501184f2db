//! The worked examples of the documentation: what they print is what stands there.

use crate::support::Server;
use crate::tour::shell;

const BILLING: &str = "docs/billing.md";

/// Runs the lines of each ```` ```sh example ````, on one server, and puts what the last ones printed without being
/// asked to be silent into the ```` ```text ```` that follows.
fn printed(page: &str) -> String {
    let server = Server::start();
    let place = tempfile::tempdir().unwrap();
    let mut new = String::new();
    let mut lines = page.lines();
    let mut output = None;
    while let Some(line) = lines.next() {
        new.push_str(line);
        new.push('\n');
        if line == "```sh example" {
            let mut told = String::new();
            for command in lines.by_ref() {
                new.push_str(command);
                new.push('\n');
                if command == "```" {
                    break;
                }
                let text = run(&server, place.path(), command);
                // Of an example, only its questions matter: what usage tells, and what is made of it.
                if (command.contains(" usage ") && !command.contains(" create "))
                    || command.starts_with("cut ")
                {
                    if !told.is_empty() && !text.is_empty() {
                        told.push('\n');
                    }
                    told.push_str(&text);
                }
            }
            output = Some(told);
        } else if line == "```text"
            && let Some(told) = output.take()
        {
            new.push_str(&told);
            new.push_str("```\n");
            lines.by_ref().find(|line| *line == "```");
        }
    }
    new
}

fn run(server: &Server, place: &std::path::Path, line: &str) -> String {
    let output = shell()
        .args(["-euo", "pipefail", "-c", line])
        .current_dir(place)
        .env("STRONGROOM_DATA_DIR", server.directory())
        .output()
        .unwrap();
    assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn billing_examples_print_documented_output() {
    let page = std::fs::read_to_string(BILLING).unwrap();
    let new = printed(&page);
    assert!(new.matches("```sh example").count() >= 5, "the page has no examples");
    if new != page {
        let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("billing.md");
        std::fs::write(&path, &new).unwrap();
        let difference =
            std::process::Command::new("diff").arg("-u").arg(BILLING).arg(&path).output().unwrap();
        let difference = String::from_utf8_lossy(&difference.stdout);
        panic!("{difference}\nif that is meant: cp {} {BILLING}", path.display());
    }
}
