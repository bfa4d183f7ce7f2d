use checkin_api::net::{Definition, Net, NetRefused, Regulars, Week};
use jiff::civil::Weekday;

fn read(toml: &str) -> Result<Net, String> {
    toml::from_str(toml).map_err(|error| error.message().to_owned())
}

#[test]
fn a_net_is_read_from_its_configuration_and_written_back() {
    let short = "name = 'mesh-monday'\nchannel = '#meshmonday'\nweekday = 'Mon'\nzone = 'America/Denver'\n";
    let net = read(short).unwrap();
    assert_eq!((net.name(), net.channel(), net.weekday()), ("mesh-monday", "#meshmonday", Weekday::Monday));
    assert_eq!((net.opens().to_string(), net.closes().to_string()), ("00:00".to_owned(), "24:00".to_owned()));
    assert_eq!((net.zone_name(), net.phrase()), ("America/Denver", None));

    let json = serde_json::to_string(&net).unwrap();
    assert_eq!(
        json,
        r##"{"name":"mesh-monday","channel":"#meshmonday","weekday":"monday","opens":"00:00","closes":"24:00","zone":"America/Denver"}"##
    );
    assert_eq!(
        serde_json::from_str::<Net>(&json).unwrap(),
        Net::new(Definition { weekday: "monday".to_owned(), ..net.into() }).unwrap()
    );
}

#[test]
fn what_is_no_net_is_refused_with_its_reason() {
    let whole = |field: &str, value: &str| {
        let mut fields = vec![
            ("name", "a"),
            ("channel", "#a"),
            ("weekday", "monday"),
            ("zone", "UTC"),
            ("opens", "20:00"),
            ("closes", "21:00"),
            ("phrase", "in"),
        ];
        for entry in &mut fields {
            if entry.0 == field {
                entry.1 = value;
            }
        }
        let fields: serde_json::Map<_, _> =
            fields.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
        serde_json::from_value::<Net>(fields.into()).map_err(|error| error.to_string())
    };
    assert!(whole("", "").is_ok());
    let long = "x".repeat(257);
    for (field, value, reason) in [
        ("name", "", NetRefused::Name.to_string()),
        ("name", "a/b", NetRefused::Name.to_string()),
        ("name", "..", NetRefused::Name.to_string()),
        ("name", " a", NetRefused::Name.to_string()),
        ("name", "a\n", NetRefused::Name.to_string()),
        ("name", &long[..65], NetRefused::Name.to_string()),
        ("channel", "", NetRefused::Channel.to_string()),
        ("channel", &long, NetRefused::Channel.to_string()),
        ("weekday", "montag", NetRefused::Weekday.to_string()),
        ("weekday", "m", NetRefused::Weekday.to_string()),
        ("zone", "Mars/Olympus", NetRefused::Zone("Mars/Olympus".to_owned()).to_string()),
        ("zone", "../../etc/passwd", NetRefused::Zone("../../etc/passwd".to_owned()).to_string()),
        ("zone", "", NetRefused::Zone(String::new()).to_string()),
        ("opens", "24:00", NetRefused::Window.to_string()),
        ("closes", "20:00", NetRefused::Window.to_string()),
        ("phrase", "", NetRefused::Phrase.to_string()),
        ("opens", "8pm", "a time of day is written 20:00 or 20:00:30, from 00:00 to 24:00".to_owned()),
    ] {
        let refused = whole(field, value).expect_err(field);
        assert!(refused.contains(&reason), "{field} = {value:?}: {refused}");
    }
    let unknown =
        read("name = 'a'\nchannel = 'b'\nweekday = 'fri'\nzone = 'UTC'\ntime = '20:00'\n").unwrap_err();
    assert!(unknown.contains("unknown field `time`"), "{unknown}");
}

#[test]
fn a_phrase_is_found_in_small_letters_and_in_capitals() {
    let net = read("name = 'a'\nchannel = 'b'\nweekday = 'fri'\nzone = 'UTC'\nphrase = 'Check é'\n").unwrap();
    assert!(net.has_phrase("CHECK é in") && net.has_phrase("I check é"));
    // Only ASCII has two cases here, as every database agrees on them.
    assert!(!net.has_phrase("CHECK É in") && !net.has_phrase("check") && !net.has_phrase(""));
}

#[test]
fn weeks_have_one_name() {
    assert_eq!("2025-03-03".parse::<Week>().unwrap().to_string(), "2025-03-03");
    for text in
        ["", "2025-3-3", "20250303", "2025-02-30", "2025-03-03T00:00", "+002025-03-03", "2025-W10", "current"]
    {
        assert!(text.parse::<Week>().is_err(), "{text}");
    }
}

#[test]
fn regulars_are_a_rule_that_can_be_met() {
    assert_eq!(Regulars::new(3, 4).unwrap(), Regulars::default());
    for (present, of) in [(0, 4), (5, 4), (1, 53), (0, 0)] {
        assert!(Regulars::new(present, of).is_err(), "{present} of {of}");
        assert!(serde_json::from_str::<Regulars>(&format!(r#"{{"present":{present},"of":{of}}}"#)).is_err());
    }
    assert_eq!(
        serde_json::from_str::<Regulars>(r#"{"present":2,"of":6}"#).unwrap(),
        Regulars::new(2, 6).unwrap()
    );
}
