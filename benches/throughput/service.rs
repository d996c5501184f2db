//! The measured service: a simulator, called over TLS.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::instances::start_beside;
use crate::measure::{Meter, Sample, children};
use crate::simulator::Simulator;
use crate::work::{BATCH, Surface, Work};
use crate::{Arguments, WARM_UP, grpc, rest};

/// A running simulator with a key of each kind, and clients for it.
pub(crate) struct Service {
    /// The instances.
    simulators: Vec<Simulator>,
    clients: Clients,
}

/// The clients of one surface.
enum Clients {
    /// One client per connection.
    Grpc(Vec<grpc::Client>),
    /// What the clients have in common: each caller has a connection of its own.
    Rest(rest::Target),
}

/// A client that sends one call at a time.
#[derive(Clone)]
enum Client {
    Grpc(Box<grpc::Client>),
    Rest(rest::Client),
}

/// How a call ended.
pub(crate) enum Reply {
    Answered,
    /// Refused because of overload, with the time after which to repeat it.
    Refused(Duration),
}

/// The calls of an overloaded service.
pub(crate) struct Overload {
    /// The answered calls.
    pub(crate) answered: Sample,
    /// The share of the calls that were refused.
    pub(crate) refused: f64,
}

impl Service {
    /// Starts a simulator with default settings, except for its directory and port, and for `queue`, the length of the queues
    /// of its tokens. Creates the keys.
    pub(crate) async fn start(
        arguments: &Arguments,
        connections: usize,
        queue: Option<usize>,
    ) -> anyhow::Result<Self> {
        let isolation = arguments.isolation.clone().map(|value| ("STRONGROOM_TOKEN__ISOLATION", value));
        let queue = queue.map(|places| ("STRONGROOM_TOKEN__QUEUE", places.to_string()));
        let store = arguments.store.clone().map(|url| ("STRONGROOM_STORE__URL", url));
        let settings: Vec<(&str, String)> = isolation.into_iter().chain(queue).chain(store).collect();
        let settings: Vec<(&str, &str)> =
            settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let first = Simulator::start(&arguments.program, &settings)?;
        let mut client = grpc::Client::connect(&first).await?;
        client.create_objects().await?;
        let mut simulators = vec![first];
        for number in 1..arguments.instances {
            let name = format!("instance-{number}");
            let settings = [&settings[..], &[("STRONGROOM_STORE__INSTANCE", name.as_str())]].concat();
            simulators.push(start_beside(&simulators[0], &arguments.program, &settings)?);
        }
        let clients = match arguments.surface {
            Surface::Grpc => {
                let mut clients = Vec::new();
                for _ in 0..connections {
                    for simulator in &simulators {
                        clients.push(grpc::Client::connect(simulator).await?);
                    }
                }
                Clients::Grpc(clients)
            }
            Surface::Rest => Clients::Rest(rest::Target::of(&simulators[0]).await?),
        };
        Ok(Self { simulators, clients })
    }

    /// Where calls to the token have run.
    pub(crate) fn describe(&self) -> String {
        let workers: usize = self.processes().into_iter().map(|process| children(process).len()).sum();
        let instances = self.simulators.len();
        match workers {
            0 => format!("{instances} instance(s) of the service have run calls to the token in threads"),
            count => {
                format!("{instances} instance(s) of the service have {count} worker processes, of all tokens")
            }
        }
    }

    /// Measures one cell.
    pub(crate) async fn measure(&self, work: Work, callers: usize, time: Duration) -> anyhow::Result<Sample> {
        let callers = self.callers(callers)?;
        run(&callers, work, WARM_UP).await?;
        let meter = Meter::start(self.processes());
        Ok(meter.stop(run(&callers, work, time).await?))
    }

    /// Measures calls of which some are refused. Callers repeat them at once or, with `wait`, after the time that the refusal names.
    pub(crate) async fn overload(
        &self,
        work: Work,
        callers: usize,
        time: Duration,
        wait: bool,
    ) -> anyhow::Result<Overload> {
        let callers = self.callers(callers)?;
        run_overloaded(&callers, work, WARM_UP, wait).await?;
        let meter = Meter::start(self.processes());
        let (latencies, refused) = run_overloaded(&callers, work, time, wait).await?;
        let sent = latencies.len() + refused;
        let refused = refused as f64 / sent.max(1) as f64;
        Ok(Overload { answered: meter.stop(latencies), refused })
    }

    fn processes(&self) -> Vec<u32> {
        self.simulators.iter().map(Simulator::process).collect()
    }

    fn callers(&self, count: usize) -> anyhow::Result<Vec<Client>> {
        match &self.clients {
            Clients::Grpc(clients) => {
                Ok(clients.iter().cycle().take(count).cloned().map(Box::new).map(Client::Grpc).collect())
            }
            Clients::Rest(target) => (0..count).map(|_| Ok(Client::Rest(target.client()?))).collect(),
        }
    }
}

impl Client {
    async fn call(&mut self, work: Work) -> anyhow::Result<Reply> {
        match self {
            Self::Grpc(client) => client.call(work).await,
            Self::Rest(client) => client.call(work).await,
        }
    }

    /// Calls until `end`. Returns the latencies.
    async fn call_until(mut self, work: Work, end: Instant) -> anyhow::Result<Vec<Duration>> {
        if let (Self::Grpc(client), Work::Es256Stream) = (&mut self, work) {
            return client.stream_signatures(end).await;
        }
        let mut latencies = Vec::new();
        loop {
            let begun = Instant::now();
            if begun >= end {
                return Ok(latencies);
            }
            let reply = self.call(work).await?;
            anyhow::ensure!(matches!(reply, Reply::Answered), "a call was refused because of overload");
            // The figures are per operation; each item of a batch waits for the whole batch.
            let operations = if work == Work::Es256Batch { BATCH } else { 1 };
            latencies.extend(std::iter::repeat_n(begun.elapsed(), operations));
        }
    }

    /// Calls until `end`, and goes on after refusals. Returns the latencies of answered calls and the number of refused ones.
    async fn press_until(
        mut self,
        work: Work,
        end: Instant,
        wait: bool,
    ) -> anyhow::Result<(Vec<Duration>, usize)> {
        let (mut latencies, mut refused) = (Vec::new(), 0);
        loop {
            let begun = Instant::now();
            if begun >= end {
                return Ok((latencies, refused));
            }
            match self.call(work).await? {
                Reply::Answered => latencies.push(begun.elapsed()),
                Reply::Refused(delay) => {
                    refused += 1;
                    if wait {
                        let until = (Instant::now() + delay).min(end);
                        tokio::time::sleep_until(until.into()).await;
                    }
                }
            }
        }
    }
}

async fn run(callers: &[Client], work: Work, time: Duration) -> anyhow::Result<Vec<Duration>> {
    let end = Instant::now() + time;
    let mut running: JoinSet<_> =
        callers.iter().cloned().map(|client| client.call_until(work, end)).collect();
    let mut all = Vec::new();
    while let Some(ended) = running.join_next().await {
        all.append(&mut ended??);
    }
    Ok(all)
}

async fn run_overloaded(
    callers: &[Client],
    work: Work,
    time: Duration,
    wait: bool,
) -> anyhow::Result<(Vec<Duration>, usize)> {
    let end = Instant::now() + time;
    let mut running: JoinSet<_> =
        callers.iter().cloned().map(|client| client.press_until(work, end, wait)).collect();
    let (mut all, mut refused) = (Vec::new(), 0);
    while let Some(ended) = running.join_next().await {
        let (mut latencies, more) = ended??;
        all.append(&mut latencies);
        refused += more;
    }
    Ok((all, refused))
}
