//! Describes the machine that a benchmark runs on.

/// The number of processors, their name, and the load before the measurement.
pub(crate) fn describe() -> anyhow::Result<String> {
    let processors = std::thread::available_parallelism()?;
    Ok(format!("{processors} processors{}{}", model(), load()))
}

/// The processor's name, if Linux reports it.
fn model() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map(|(_, name)| format!(" ({name})")).unwrap_or_default()
}

/// The load average before the measurement.
fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    if load.is_empty() { String::new() } else { format!("; load before {load}") }
}
