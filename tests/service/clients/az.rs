//! The az command line: signed in as its page says, then through the documented life of a managed HSM.

use std::path::Path;

use super::place::{Place, example, installed};
use crate::support::Server;

const PAGE: &str = include_str!("../../../docs/clients/az.md");

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn an_hsm_lives_and_dies_as_documented() {
    let tools = installed("az").join("bin");
    let server = Server::start();
    let place = Place::of(&server);
    let configuration = place.file("azure");
    // `strongroom` is the program under test.
    let programs = Path::new(env!("CARGO_BIN_EXE_strongroom")).parent().unwrap();
    let lines = format!(
        "PATH='{}':$PATH\n{}\nbash '{}/tests/clients/az/life.sh'",
        programs.display(),
        place.with_port(example(PAGE, "sh")),
        env!("CARGO_MANIFEST_DIR")
    );
    place.run(&tools, &lines, &[("AZURE_CONFIG_DIR", configuration.to_str().unwrap())]);
}
