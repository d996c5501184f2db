//! Tests the exported audit log: no record is exported twice, and alterations are detected.

use super::*;

#[tokio::test]
async fn log_shorter_or_longer_than_the_database_is_refused() {
    let fixture = StoreFixture::new();
    let store = fixture.open_with_hsm().await;
    for number in 1..=5 {
        store.commit(call(Vec::new(), number)).await.unwrap();
    }
    store.close().await;
    let file = fixture.audit_files().remove(0);
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, &text[..text.len() - 10]).unwrap();
    let Err(Error::Internal(why)) = fixture.try_open().await else { panic!("the store was opened") };
    let why = why.to_string();
    assert!(why.contains("end with record 5, but records up to 6"), "{why}");
    std::fs::write(&file, &text).unwrap();
    fixture.open().await.close().await;

    // A database older than the log would reuse sequence numbers.
    std::fs::remove_file(fixture.database()).unwrap();
    let Err(Error::Internal(why)) = fixture.try_open().await else { panic!("the store was opened") };
    assert!(why.to_string().contains("strongroom.db cannot be opened"), "its digest is there: {why}");
    std::fs::remove_file(fixture.database().with_extension("db.sha256")).unwrap();
    let Err(Error::Internal(why)) = fixture.try_open().await else { panic!("the store was opened") };
    let why = why.to_string();
    assert!(why.contains("record 6"), "{why}");
}

#[tokio::test]
async fn verify_reports_first_altered_line() {
    let fixture = StoreFixture::new();
    let store = fixture.open_with_hsm().await;
    for number in 1..=5 {
        store.commit(call(Vec::new(), number)).await.unwrap();
    }
    store.close().await;
    assert_eq!(audit::verify(&fixture.audit_directory()).unwrap().broken, None);
    let file = std::fs::read_dir(fixture.audit_directory()).unwrap().next().unwrap().unwrap().path();
    let lines = fixture.audit_lines();
    let broken = |lines: &[String]| {
        std::fs::write(&file, lines.join("\n") + "\n").unwrap();
        audit::verify(&fixture.audit_directory()).unwrap().broken.map(|found| found.line)
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
    assert_eq!(broken(&lines[2..]), Some(1), "no record proves that the log begins with this line");
}
