//! The exported log: nothing comes twice, and what was altered is found.

use super::*;

#[tokio::test]
async fn exported_records_are_not_exported_again() {
    let house = House::new();
    let store = house.furnished().await;
    for number in 1..=5 {
        store.commit(call(Vec::new(), number)).await.unwrap();
    }
    store.close().await;
    let lines = house.lines();
    // The last line was torn by a crash: it comes again, and only it.
    let file = std::fs::read_dir(house.audit()).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, &text[..text.len() - 10]).unwrap();
    house.open().await.close().await;
    assert_eq!(house.lines(), lines);

    // A database that is older than the log would begin the same numbers again.
    std::fs::remove_file(house.dir.path().join("strongroom.db")).unwrap();
    let Err(Error::Internal(why)) = house.try_open().await else { panic!("it was opened") };
    assert!(why.contains("record 6"), "{why}");
}

#[tokio::test]
async fn verify_reports_first_altered_line() {
    let house = House::new();
    let store = house.furnished().await;
    for number in 1..=5 {
        store.commit(call(Vec::new(), number)).await.unwrap();
    }
    store.close().await;
    assert_eq!(audit::verify(&house.audit()).unwrap().broken, None);
    let file = std::fs::read_dir(house.audit()).unwrap().next().unwrap().unwrap().path();
    let lines = house.lines();
    let broken = |lines: &[String]| {
        std::fs::write(&file, lines.join("\n") + "\n").unwrap();
        audit::verify(&house.audit()).unwrap().broken.map(|found| found.line)
    };
    let mut altered = lines.clone();
    altered[2] = altered[2].replace("\"number\":2", "\"number\":7");
    assert_eq!(broken(&altered), Some(3));
    let mut removed = lines.clone();
    removed.remove(3);
    assert_eq!(broken(&removed), Some(4));
    let mut renumbered = lines.clone();
    renumbered.swap(1, 2);
    renumbered[1] = renumbered[1].replace("\"seq\":3", "\"seq\":2");
    assert_eq!(broken(&renumbered), Some(2));
    assert_eq!(broken(&lines), None);
    assert_eq!(broken(&lines[2..]), Some(1), "nothing says that the log begins there");
}
