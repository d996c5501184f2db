//! Tests the packaging: the stripped program, the Debian package with unit, manual pages and completions, and the
//! Containerfile. Uses the program of the test profile, since the package's contents do not depend on the profile.

#![expect(clippy::unwrap_used, reason = "a test that cannot run has failed")]

#[path = "packaging/instances.rs"]
mod instances;

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use clap::{CommandFactory as _, Parser as _};
use strongroom::cli::Cli;

const PROGRAM: &str = env!("CARGO_BIN_EXE_strongroom");

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[track_caller]
fn output(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{output:?}");
    output
}

#[track_caller]
fn text(command: &mut Command) -> String {
    String::from_utf8(output(command).stdout).unwrap()
}

/// Whether a program is in `PATH`. Debian's tools are missing on other systems.
fn is_installed(program: &str) -> bool {
    Command::new("sh").args(["-c", &format!("command -v {program}")]).output().unwrap().status.success()
}

/// Collects every visible command below `command`, with its path: `strongroom key create`.
fn collect_commands(command: &clap::Command, parent: &str, found: &mut BTreeSet<String>) {
    for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help")
    {
        let path = format!("{parent} {}", below.get_name());
        collect_commands(below, &path, found);
        found.insert(path);
    }
}

fn shown_commands() -> BTreeSet<String> {
    let mut command = Cli::command();
    command.build();
    let mut found = BTreeSet::new();
    collect_commands(&command, "strongroom", &mut found);
    assert!(found.contains("strongroom key rotation-policy set") && found.len() > 60, "{found:?}");
    found
}

/// Reads a manual page, with its escaped hyphens unescaped.
fn page(directory: &Path, name: &str) -> String {
    let path = directory.join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.replace("\\-", "-")
}

#[test]
fn every_command_has_a_man_page_listed_by_its_parent() {
    let directory = tempfile::tempdir().unwrap();
    output(Command::new(PROGRAM).arg("manual").arg(directory.path()));
    let shown = shown_commands();
    for command in &shown {
        let name = command.replace(' ', "-");
        assert!(page(directory.path(), &format!("{name}.1")).contains(".SH SYNOPSIS"), "{name}");
        let (parent, _) = command.rsplit_once(' ').unwrap();
        let parent = page(directory.path(), &format!("{}.1", parent.replace(' ', "-")));
        assert!(parent.contains(&format!("{name}(1)")), "the parent's page does not list {command}");
    }
    // Hidden commands have no page.
    let pages = std::fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(pages, shown.len() + 1);
    let missing = Command::new(PROGRAM).args(["manual", "/nowhere/at/all"]).output().unwrap();
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("/nowhere/at/all"), "{missing:?}");
}

/// Packages the program, unpacks the Debian package, and returns the paths of both and of the output directory.
fn build_package(directory: &Path) -> (PathBuf, PathBuf, PathBuf) {
    let dist = directory.join("dist");
    let script = repository().join("scripts/package.sh");
    // Without a size limit and compression: an unoptimized program exceeds the limit for releases.
    let mut command = Command::new(script);
    command.arg(PROGRAM).arg(&dist).envs([("MAX_BYTES", "0"), ("XZ_LEVEL", "0")]);
    output(command.current_dir(repository()));
    let mut packages = std::fs::read_dir(&dist).unwrap().map(|entry| entry.unwrap().path());
    let package = packages.find(|path| path.extension().is_some_and(|extension| extension == "deb")).unwrap();
    let root = directory.join("root");
    output(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&root));
    (dist, package, root)
}

#[test]
fn debian_package_contents_are_complete_and_valid() {
    if !is_installed("dpkg-deb") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let (dist, package, root) = build_package(directory.path());

    let field =
        |name: &str| text(Command::new("dpkg-deb").arg("-f").arg(&package).arg(name)).trim().to_owned();
    assert_eq!(
        (field("Package").as_str(), field("Version").as_str()),
        ("strongroom", env!("CARGO_PKG_VERSION"))
    );
    assert!(field("Depends").starts_with("libc6 (>= 2."), "{}", field("Depends"));
    assert_eq!(field("Pre-Depends"), "");
    // All files belong to root, and only root may write them.
    let listing = text(Command::new("dpkg-deb").arg("-c").arg(&package));
    for line in listing.lines() {
        assert!(line.contains("root/root") && !line[5..].starts_with('w') && &line[8..9] != "w", "{line}");
    }

    // The program runs, and its debug symbols are in the linked file only.
    let program = root.join("usr/bin/strongroom");
    assert_eq!(std::fs::metadata(&program).unwrap().permissions().mode() & 0o7777, 0o755);
    let version = text(Command::new(&program).arg("--version"));
    assert_eq!(version, format!("strongroom {}\n", env!("CARGO_PKG_VERSION")));
    let sections = text(Command::new("objdump").arg("-h").arg(&program));
    assert!(sections.contains(".gnu_debuglink") && !sections.contains(".debug_line"), "{sections}");
    let debug = text(Command::new("objdump").arg("-h").arg(dist.join("strongroom.debug")));
    assert!(debug.contains(".debug_line"), "{debug}");
    let sizes = [&program, &PathBuf::from(PROGRAM)].map(|path| std::fs::metadata(path).unwrap().len());
    assert!(sizes[0] * 2 < sizes[1], "sizes of the stripped and the original program: {sizes:?}");

    let module = root.join("usr/lib/strongroom/libstrongroom_faults.so");
    let symbols = text(Command::new("objdump").arg("-T").arg(&module));
    let exported: Vec<&str> =
        symbols.lines().filter(|line| line.contains(" g ") && line.contains(" .text")).collect();
    assert!(exported.len() == 1 && exported[0].ends_with(" C_GetFunctionList"), "{exported:?}");

    for file in [
        "usr/lib/systemd/system/strongroom.service",
        "usr/lib/systemd/system/strongroom@.service",
        "usr/share/bash-completion/completions/strongroom",
        "usr/share/doc/strongroom/changelog.gz",
        "usr/share/doc/strongroom/copyright",
        "usr/share/fish/vendor_completions.d/strongroom.fish",
        "usr/share/man/man1/strongroom-key-create.1.gz",
        "usr/share/man/man1/strongroom.1.gz",
        "usr/share/zsh/vendor-completions/_strongroom",
    ] {
        assert!(std::fs::metadata(root.join(file)).unwrap().len() > 0, "{file}");
    }
    output(Command::new("bash").arg("-n").arg(root.join("usr/share/bash-completion/completions/strongroom")));

    // The example configuration is valid, except for the files that it refers to.
    let example = root.join("usr/share/doc/strongroom/examples/strongroom.toml");
    let checked =
        Command::new(&program).args(["config", "check", "--config"]).arg(&example).output().unwrap();
    let stderr = String::from_utf8(checked.stderr).unwrap();
    assert!(
        stderr.contains("server.certificate_file: there is no file /etc/strongroom/server.pem"),
        "{stderr}"
    );

    if is_installed("systemd-analyze") {
        for name in ["strongroom.service", "strongroom@.service"] {
            check_unit(&root.join("usr/lib/systemd/system").join(name), &program);
        }
    }
}

/// Checks a unit for mistakes, and how much it exposes.
fn check_unit(unit: &Path, program: &Path) {
    // The program is not installed on the test machine.
    let text =
        std::fs::read_to_string(unit).unwrap().replace("/usr/bin/strongroom", program.to_str().unwrap());
    std::fs::write(unit, text).unwrap();
    let verified = output(Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(unit));
    let stderr = String::from_utf8(verified.stderr).unwrap();
    assert!(!stderr.contains("strongroom.service") && !stderr.contains("strongroom@"), "{stderr}");
    let rated = Command::new("systemd-analyze")
        .args(["security", "--offline=yes", "--no-pager", "--threshold=20"])
        .arg(unit)
        .output()
        .unwrap();
    assert!(rated.status.success(), "the unit's exposure is above 2.0 of 10\n{rated:?}");
}

#[test]
fn unit_of_instances_is_as_strict_as_the_other() {
    let read = |name: &str| std::fs::read_to_string(repository().join("packaging").join(name)).unwrap();
    let (one, instances) = (read("strongroom.service"), read("strongroom@.service"));
    let lines: BTreeSet<&str> = instances.lines().collect();
    // What names the unit, its data directory or its credentials differs.
    let is_own = |line: &&str| {
        ["Description=", "ExecStart=", "StateDirectory="].iter().any(|own| line.starts_with(own))
    };
    let settings = one.lines().filter(|line| line.contains('=') && !line.starts_with('#') && !is_own(line));
    let missing: Vec<&str> = settings.filter(|line| !lines.contains(line)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn packaging_fails_if_program_exceeds_size_limit() {
    if !is_installed("objcopy") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let script = repository().join("scripts/package.sh");
    let mut command = Command::new(script);
    command.arg("/bin/sh").arg(directory.path().join("dist")).env("MAX_BYTES", "1000");
    let refused = command.current_dir(repository()).output().unwrap();
    let stderr = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && stderr.contains("the maximum is 1000"), "{stderr}");
}

#[test]
fn containerfile_uses_repository_files_and_non_root_user() {
    let recipe = std::fs::read_to_string(repository().join("Containerfile")).unwrap();
    let context = std::fs::read_to_string(repository().join(".dockerignore")).unwrap();
    let sent: BTreeSet<&str> = context.lines().filter_map(|line| line.strip_prefix('!')).collect();
    let joined = recipe.replace("\\\n", " ");
    let last = |name: &str| {
        let mut lines = joined.lines().rev();
        lines
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or_else(|| panic!("no {name}"))
            .trim()
            .to_owned()
    };
    let mut copied = BTreeSet::new();
    for line in joined.lines().filter_map(|line| line.strip_prefix("COPY ")) {
        if line.starts_with("--from") {
            continue;
        }
        let (sources, _) = line.rsplit_once(' ').unwrap();
        copied.extend(sources.split_whitespace());
    }
    for source in &copied {
        assert!(repository().join(source).exists(), "{source} is not in the repository");
    }
    assert_eq!(copied, sent, "the files of COPY and the files that .dockerignore includes differ");
    assert!(joined.contains("cargo build --locked"));
    // The copied files suffice for Cargo to read the manifest.
    let build_context = tempfile::tempdir().unwrap();
    for source in &copied {
        output(Command::new("cp").arg("-r").arg(repository().join(source)).arg(build_context.path()));
    }
    let metadata = ["metadata", "--no-deps", "--locked", "--offline", "--format-version", "1"];
    output(Command::new(env!("CARGO")).args(metadata).current_dir(build_context.path()));
    assert!(!last("USER ").starts_with('0') && !last("USER ").contains("root"));

    // The program accepts the arguments of ENTRYPOINT, CMD and HEALTHCHECK.
    let arguments = |text: &str| serde_json::from_str::<Vec<String>>(text).unwrap();
    let health = last("HEALTHCHECK ");
    let health = arguments(health.split_once("CMD").unwrap().1.trim());
    Cli::try_parse_from(health).unwrap();
    let started = [arguments(&last("ENTRYPOINT ")), arguments(&last("CMD "))].concat();
    Cli::try_parse_from(started).unwrap();
}
