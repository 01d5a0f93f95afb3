use super::*;

fn turns(count: i64) -> Vec<model::TranscriptTurn> {
    let turn = |n: i64| model::TranscriptTurn {
        role: model::SpeakerRole::User,
        vendor_role: None,
        text: n.to_string(),
        at: None,
        offset_ms: Some(n * i64::from(i32::MAX)),
    };
    (0..count).map(turn).collect()
}

fn shown(last: usize) -> Vec<(String, String)> {
    let turns = last_turns(&ID::from("c"), &turns(3), last);
    turns.into_iter().map(|turn| (turn.id.0, turn.text)).collect()
}

#[test]
fn the_last_turns_keep_the_ids_they_have_in_the_whole() {
    let whole = shown(usize::MAX);
    assert_eq!(whole.len(), 3);
    assert_eq!(whole[2], ("c#2".to_owned(), "2".to_owned()));
    assert_eq!(shown(2), whole[1..]);
    assert_eq!(shown(3), whole);
}

#[test]
fn at_least_one_turn_must_be_wanted() {
    assert_eq!(check_last(None).unwrap(), usize::MAX);
    assert_eq!(check_last(Some(1)).unwrap(), 1);
    for last in [0, -1, i32::MIN] {
        assert!(matches!(check_last(Some(last)), Err(ClientError::Input(_))), "{last}");
    }
}

#[test]
fn long_offsets_are_as_long_as_an_int_can_say() {
    let turns = last_turns(&ID::from("c"), &turns(3), 1);
    assert_eq!(turns[0].offset_ms, Some(i32::MAX));
}
