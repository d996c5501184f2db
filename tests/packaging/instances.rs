//! Tests the example of two instances in `packaging/instances`: its files agree with each other, and the instances serve with its
//! configuration, over one database.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{PROGRAM, is_installed, output, repository, text};

/// The time within which an instance starts.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the containers have their files.
const DIRECTORY: &str = "/var/lib/strongroom";

fn example(name: &str) -> PathBuf {
    repository().join("packaging/instances").join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(example(name)).unwrap()
}

/// The servers to which the load balancer connects, by name.
fn servers() -> BTreeMap<String, String> {
    let text = read("haproxy.cfg");
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("server ")?.split_once(' '));
    lines.map(|(name, address)| (name.to_owned(), address.to_owned())).collect()
}

/// The compose file.
fn compose() -> Value {
    serde_saphyr::from_str(&read("compose.yaml")).unwrap()
}

fn names(value: &Value) -> BTreeSet<&str> {
    match value {
        Value::Object(members) => members.keys().map(String::as_str).collect(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => BTreeSet::new(),
    }
}

#[test]
fn compose_file_names_files_volumes_services_and_settings_that_exist() {
    let compose = compose();
    let (services, volumes) = (names(&compose["services"]), names(&compose["volumes"]));
    let mut instances = BTreeSet::new();
    for name in &services {
        let service = &compose["services"][name];
        assert!(names(&service["depends_on"]).is_subset(&services), "{name}");
        for mount in names(&service["volumes"]) {
            let source = mount.split(':').next().unwrap();
            let exists = match source.strip_prefix("./") {
                Some(file) => example(file).exists(),
                None => volumes.contains(source),
            };
            assert!(exists, "{name}: {mount}");
        }
        let is_image_of_containerfile = service["image"] == "strongroom";
        assert_eq!(is_image_of_containerfile, service["build"]["dockerfile"] == "Containerfile", "{name}");
        if let Some(instance) = service["environment"]["STRONGROOM_STORE__INSTANCE"].as_str() {
            assert_eq!(instance, *name);
            let data = format!("{DIRECTORY}/{name}");
            assert_eq!(service["environment"]["STRONGROOM_DATA_DIR"], data);
            instances.insert(instance.to_owned());
        }
    }
    assert_eq!(instances, servers().into_keys().collect(), "the load balancer knows all instances");
}

#[test]
fn load_balancer_asks_the_listener_of_the_metrics_for_readiness() {
    let (balancer, settings) = (read("haproxy.cfg"), read("strongroom.toml"));
    let settings: toml::Table = settings.parse().unwrap();
    let port =
        |section: &str| settings[section]["listen"].as_str().unwrap().rsplit_once(':').unwrap().1.to_owned();
    for (name, address) in servers() {
        assert_eq!(address, format!("{name}:{}", port("server")));
    }
    assert!(balancer.contains(&format!("default-server check port {} ", port("metrics"))), "{balancer}");
    assert!(balancer.contains("option httpchk GET /readyz\n"), "{balancer}");
    if is_installed("haproxy") {
        // The names of the servers are known to the containers only.
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("haproxy.cfg");
        let local =
            servers().values().fold(balancer, |text, address| text.replace(address, "127.0.0.1:8443"));
        std::fs::write(&file, local).unwrap();
        output(Command::new("haproxy").args(["-c", "-f"]).arg(&file));
    }
}

/// The example with its folder elsewhere, a server of PostgreSQL, and two instances.
struct Running {
    directory: PathBuf,
    children: Vec<Child>,
}

impl Running {
    fn start() -> Self {
        // Names of sockets have at most 107 bytes.
        let directory = tempfile::Builder::new().prefix("strongroom-two.").tempdir_in("/tmp").unwrap().keep();
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o755)).unwrap();
        output(Command::new("bash").arg(example("prepare.sh")).arg(&directory));
        let running = Self { directory, children: Vec::new() };
        let url = running.database("start");
        let settings = read("strongroom.toml").replace(DIRECTORY, running.directory.to_str().unwrap());
        let database = "postgres://strongroom@localhost/strongroom?host=/run/postgresql";
        assert!(settings.contains(database));
        std::fs::write(running.path("strongroom.toml"), settings.replace(database, url.trim())).unwrap();
        running
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn database(&self, command: &str) -> String {
        text(Command::new(repository().join("scripts/postgres.sh")).arg(command).arg(self.path("database")))
    }

    /// A command of an instance, with the settings of its container but for the addresses.
    fn command(&self, instance: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(PROGRAM);
        command.args(arguments).arg("--config").arg(self.path("strongroom.toml"));
        command.arg("--data-dir").arg(self.path(instance));
        command.env("SOFTHSM2_CONF", self.path("site/softhsm2.conf"));
        command.env("STRONGROOM_STORE__INSTANCE", instance);
        for name in ["STRONGROOM_SERVER__LISTEN", "STRONGROOM_METRICS__LISTEN"] {
            command.env(name, "127.0.0.1:0");
        }
        command
    }

    /// Starts an instance, and returns its endpoint.
    fn serve(&mut self, instance: &str) -> String {
        let (out, log) = (self.path(&format!("{instance}.out")), self.path(&format!("{instance}.log")));
        let create = |path: &Path| std::fs::File::create(path).unwrap();
        let mut command = self.command(instance, &["serve"]);
        let child = command.stdout(create(&out)).stderr(create(&log)).stdin(Stdio::null()).spawn().unwrap();
        self.children.push(child);
        let started = Instant::now();
        loop {
            let banner = std::fs::read_to_string(&out).unwrap();
            if let Some((_, port)) = banner.trim_end().rsplit_once(':').filter(|_| banner.ends_with('\n')) {
                return format!("https://127.0.0.1:{port}");
            }
            assert!(started.elapsed() < PATIENCE, "{}", std::fs::read_to_string(&log).unwrap());
            #[expect(clippy::disallowed_methods, reason = "the instance starts in real time")]
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the client of the example prints, which connects to an instance instead of the load balancer.
    #[expect(clippy::disallowed_methods, reason = "the folder of the program is added to PATH")]
    fn client(&self, endpoint: &str, line: &str) -> String {
        let folder = Path::new(PROGRAM).parent().unwrap().display();
        let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
        let mut command = Command::new("bash");
        command.arg(example("client.sh")).args(line.split(' '));
        command
            .env("PATH", path)
            .env("STRONGROOM_SITE", self.path("site"))
            .env("STRONGROOM_ENDPOINT", endpoint);
        text(&mut command)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
        self.database("stop");
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

#[test]
fn example_of_two_instances_serves() {
    let mut running = Running::start();
    let instances: Vec<String> = servers().into_keys().collect();
    for instance in &instances {
        output(&mut running.command(instance, &["config", "check"]));
    }
    let endpoints: Vec<String> = instances.iter().map(|instance| running.serve(instance)).collect();
    let administrator = "6fa459ea-ee8a-4ca4-894e-db77e160355e";
    let assign =
        format!("role assignment create --role crypto-user --assignee {administrator} --scope /keys");
    running.client(&endpoints[0], &assign);
    running.client(&endpoints[0], "key create invoices --kty EC-HSM");
    assert!(running.client(&endpoints[1], "key list").contains("invoices"));
    // The second run of the preparation changes nothing.
    let token = std::fs::read(running.path("site/token.pin")).unwrap();
    output(Command::new("bash").arg(example("prepare.sh")).arg(&running.directory));
    assert_eq!(std::fs::read(running.path("site/token.pin")).unwrap(), token);
}
