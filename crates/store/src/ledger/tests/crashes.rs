//! Crashes between all steps of a group: what is on disk at each step is opened as after a crash.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

/// What is on disk at one instant.
struct Image {
    step: &'static str,
    site: Site,
    /// The number of calls that had been answered.
    answered: u64,
}

/// Copies what is on disk at each step.
#[derive(Clone)]
struct Camera {
    database: PathBuf,
    answered: Arc<AtomicU64>,
    images: Arc<Mutex<Vec<Image>>>,
}

impl Camera {
    fn take(&self, step: &'static str, lines: &[String]) {
        let site = Site::new(Durability::Request);
        for suffix in ["", "-wal"] {
            let from = PathBuf::from(format!("{}{suffix}", self.database.display()));
            if from.exists() {
                std::fs::copy(from, format!("{}{suffix}", site.path().display())).unwrap();
            }
        }
        {
            let mut log = site.log.state();
            (log.lines, log.appended) = (lines.to_vec(), lines.len());
        }
        let answered = self.answered.load(Ordering::SeqCst);
        self.images.lock().unwrap().push(Image { step, site, answered });
    }
}

/// Whether a call of the test makes a change.
fn changes(number: u64) -> bool {
    number % 3 == 1
}

#[tokio::test]
async fn every_step_of_a_group_can_be_the_last_before_a_crash() {
    let site = Site::new(Durability::Request);
    let store = site.open().await;
    let camera = Camera { database: site.path(), answered: Arc::default(), images: Arc::default() };
    let seen = camera.clone();
    site.log.state().hook = Some(Box::new(move |step, lines| seen.take(step, lines)));
    for number in 1..=9 {
        if changes(number) {
            let (seen, log) = (camera.clone(), site.log.clone());
            lose_the_next_answer(move || seen.take("committed", &log.state().lines.clone()));
        }
        store.commit(if changes(number) { call(number) } else { only_a_record(number) }).await.unwrap();
        camera.answered.store(number, Ordering::SeqCst);
    }
    site.log.state().hook = None;
    store.close().await;

    let images = std::mem::take(&mut *camera.images.lock().unwrap());
    assert_eq!(images.len(), 9 * 2 + 3, "two steps in the log for each call, and the COMMITs");
    for Image { step, site, answered } in images {
        let store = site.open().await;
        let (_, calls) = site.exported();
        let found = calls.len() as u64;
        assert_eq!(calls, (1..=found).collect::<Vec<_>>(), "{step}, {answered}");
        assert!(found == answered || found == answered + 1, "{step}: {found} of {answered}");
        let written = step != "append begins" || changes(answered + 1);
        assert_eq!(found, answered + u64::from(written), "{step}, {answered}");
        for number in 1..=9 {
            assert_eq!(
                has(&store, number),
                changes(number) && number <= found,
                "{step}, {answered}: {number}"
            );
        }
        assert_eq!(counted(&store), found, "{step}, {answered}");
        store.commit(call(100)).await.unwrap();
        store.close().await;
        let store = site.open().await;
        assert_eq!(counted(&store), found + 1, "{step}, {answered}");
        let (sequence, _) = site.exported();
        assert_eq!(sequence, (1..=found + 1).collect::<Vec<_>>());
        store.close().await;
    }
}

#[tokio::test]
async fn replays_only_what_follows_the_database() {
    let site = Site::new(Durability::Request);
    let store = site.open().await;
    store.commit(call(1)).await.unwrap();
    let camera = Camera { database: site.path(), answered: Arc::default(), images: Arc::default() };
    camera.take("earlier", &[]);
    for number in 2..=4 {
        store.commit(only_a_record(number)).await.unwrap();
    }
    camera.take("records", &site.log.state().lines.clone());
    store.commit(call(5)).await.unwrap();
    let lines = site.log.state().lines.clone();
    camera.take("all", &lines);
    let opened = |number: usize, lines: Vec<String>| {
        let site = &camera.images.lock().unwrap()[number].site;
        {
            let mut log = site.log.state();
            (log.appended, log.lines) = (lines.len(), lines);
        }
        let copy =
            Site { database: TestDatabase::file(), log: site.log.clone(), durability: site.durability };
        let directory = |site: &Site| site.path().parent().unwrap().to_owned();
        for file in std::fs::read_dir(directory(site)).unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), directory(&copy).join(file.file_name())).unwrap();
        }
        async move {
            let opened = copy.try_open().await;
            (opened.map(|store| counted(&store)).map_err(|error| error.with_causes().to_string()), copy)
        }
    };
    assert_eq!(opened(1, lines[..4].to_vec()).await.0, Ok(4), "three records are counted from the log");
    assert_eq!(opened(0, lines[..4].to_vec()).await.0, Ok(4), "an older copy lacks no change");
    let older = opened(0, lines.clone()).await.0.unwrap_err();
    assert!(older.contains("ends with record 5, the database with record 1"), "{older}");
    let mut altered = lines[..4].to_vec();
    altered[2] = altered[2].replace("\"call\":3", "\"call\":7");
    let altered = opened(1, altered).await.0.unwrap_err();
    assert!(altered.contains("record 3 at the end"), "{altered}");
    let missing = opened(1, [&lines[..1], &lines[2..4]].concat()).await.0.unwrap_err();
    assert!(missing.contains("record 2 at the end"), "{missing}");
    let cut = opened(2, lines[..2].to_vec()).await.0.unwrap_err();
    assert!(cut.contains("end with record 2, but records up to 4"), "{cut}");
    let (restored, copy) = opened(2, lines[..4].to_vec()).await;
    assert_eq!((restored, copy.exported().1), (Ok(5), vec![1, 2, 3, 4, 5]));
}
