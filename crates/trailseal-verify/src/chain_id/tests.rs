use super::*;

#[test]
fn chains_are_the_same_but_for_the_organization() {
    let id = ChainId {
        organization: None,
        account: "1".to_owned(),
        region: "r".to_owned(),
        trail: "t".to_owned(),
        home_region: "h".to_owned(),
        kind: ChainKind::Standard,
    };
    assert!(id.is_same_but_organization(&ChainId { organization: Some("o-1".to_owned()), ..id.clone() }));
    let x = || "x".to_owned();
    for other in [
        ChainId { account: x(), ..id.clone() },
        ChainId { region: x(), ..id.clone() },
        ChainId { trail: x(), ..id.clone() },
        ChainId { home_region: x(), ..id.clone() },
        ChainId { kind: ChainKind::Backfill, ..id.clone() },
    ] {
        assert!(!id.is_same_but_organization(&other), "{other:?}");
    }
}
