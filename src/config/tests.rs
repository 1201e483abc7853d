//! The installation file, setting by setting, and the folders. The reports on faults are in tests/diagnostics.rs.

use std::fs;

use super::*;
use crate::flow::document::codes;
use crate::flow::{AgentCode, AgentCodes};

fn read(text: &str) -> (Installation, Vec<Diagnostic>) {
    let source = Source { file: "helpline.yaml".to_owned(), text: text.to_owned() };
    let environment = |name: &str| (name == "TOKEN").then(|| "s3cret".to_owned());
    Installation::read(&source, &environment, &|path| match path.to_str() {
        Some("token") => Ok("filed\n".to_owned()),
        _ => Err("it is not there".to_owned()),
    })
}

fn right(text: &str) -> Installation {
    let (installation, faults) = read(text);
    assert!(faults.is_empty(), "{text}: {faults:#?}");
    installation
}

#[test]
fn nothing_written_means_the_defaults() {
    for text in ["", "# nothing\n", "helpline: 1\n", "sip:\nmedia: {}\n", "sip: {trunks: {}}\n"] {
        assert_eq!(right(text), Installation::default(), "{text}");
    }
}

#[test]
fn every_setting_is_read() {
    let found = right(
        "helpline: 1
sip:
  listen: [\"udp://[::]:5070\", tcp://127.0.0.1]
  advertise: 192.0.2.1
  realm: acme
media: {ports: 20001-30000, codecs: [pcma], inband_digits: off}
http: {listen: 0.0.0.0:80, advertise: https://help.example.com/, token: \"${TOKEN}\"}
limits: {calls: 2000, calls_per_second: 7}
data: /var/lib/helpline
records: {keep: 30d, size_mb: 100}
flows: \"${NONE:-menus}\"
prompts: audio
watch: true
drain: 1m30s
mail: {server: smtp://mail.example.com, from: helpline@example.com, user: acme, password: \"${TOKEN}\"}
voicemail: {keep: 20d}
codes: {ready: \"*1\", pause: off, pauses: {team_meeting: \"*22\"}, extend_by: 30s}
text_to_speech: {command: [speak, \"{text}\"], voices: {es: lola}, at_once: 3, timeout: 2m}
",
    );
    let listen = |transport, address: &str| ListenAddress { transport, address: address.parse().expect("an address") };
    let expected = Installation {
        sip: SipSettings {
            listen: vec![listen(TransportKind::Udp, "[::]:5070"), listen(TransportKind::Tcp, "127.0.0.1:5060")],
            advertise: Some("192.0.2.1".parse().expect("an address")),
            realm: "acme".to_owned(),
            trunks: Vec::new(),
        },
        media: MediaSettings { ports: 20001..=30000, codecs: vec![Codec::Pcma], inband_digits: InbandDigits::Off },
        http: HttpSettings {
            listen: "0.0.0.0:80".parse().expect("an address"),
            advertise: Some("https://help.example.com".to_owned()),
            token: Some("s3cret".to_owned()),
        },
        limits: Limits { calls: 2000, calls_per_second: 7 },
        data: "/var/lib/helpline".into(),
        records: RecordSettings { keep: Duration::from_secs(30 * 86_400), size_mb: 100 },
        mail: Some(MailSettings {
            secured: Secured::Upgraded,
            host: "mail.example.com".to_owned(),
            port: 587,
            login: Some(("acme".to_owned(), "s3cret".to_owned())),
            from: "helpline@example.com".to_owned(),
        }),
        tapes: TapesKept { messages: Duration::from_secs(20 * 86_400), ..TapesKept::default() },
        flows: "menus".into(),
        prompts: "audio".into(),
        watch: true,
        drain: Duration::from_secs(90),
        codes: codes_of(&[
            ("*1", AgentCode::Ready),
            ("*22", AgentCode::Pause(Some("team_meeting".into()))),
            ("*13", AgentCode::LogOut),
            ("*14", AgentCode::EndWrapUp),
            ("*15", AgentCode::ExtendWrapUp),
            ("*19", AgentCode::Why),
            ("*16", AgentCode::PauseRecording),
            ("*17", AgentCode::ResumeRecording),
            ("*20", AgentCode::CloseToday(None)),
            ("*21", AgentCode::AsWritten(None)),
            ("*97", AgentCode::Messages),
        ]),
        text_to_speech: TextToSpeech {
            command: vec!["speak".to_owned(), "{text}".to_owned()],
            voices: [("es".to_owned(), "lola".to_owned())].into(),
            at_once: Some(3),
            timeout: Duration::from_secs(120),
        },
    };
    assert_eq!(found, expected);
    assert_eq!(
        (found.text_to_speech.voice("es"), found.text_to_speech.voice("pt-BR")),
        ("lola".into(), "pt-br".into())
    );
    assert_eq!(right("text_to_speech: {command: \"flite -o {file}\"}").text_to_speech.command.len(), 3);
    for wrong in [
        "command: []",
        "command: {a: b}",
        "voices: [en]",
        "voices: {English: x}",
        "at_once: 0",
        "timeout: 0s",
        "voice: x",
    ] {
        let (settings, faults) = read(&format!("text_to_speech: {{{wrong}}}"));
        assert!(faults.len() == 1 && settings.text_to_speech == TextToSpeech::default(), "{wrong}: {faults:?}");
    }
    assert_eq!(found.media.pairs(), 4999);
    assert!(!format!("{found:?}").contains("s3cret"));
    assert_eq!(right("http: {token_file: token}").http.token.as_deref(), Some("filed"));
    assert_eq!(right("sip: {listen: udp://127.0.0.1:5060, advertise: auto}").sip.listen.len(), 1);
    let (_, faults) = read("sip: {listen: [udp://127.0.0.1, tcp://127.0.0.1, udp://127.0.0.1:5060]}");
    assert_eq!(faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), [codes::DUPLICATE_KEY]);
}

fn codes_of(codes: &[(&str, AgentCode)]) -> AgentCodes {
    let codes = codes.iter().map(|(dialled, code)| ((*dialled).into(), code.clone())).collect();
    AgentCodes { codes, extend_by: Duration::from_secs(30) }
}

#[test]
fn agents_may_have_no_codes() {
    assert_eq!(right("codes: off").codes, AgentCodes::none());
    assert_eq!(right("codes:").codes, AgentCodes::default());
    assert_eq!(right("codes: {pauses: {}}").codes.reasons().count(), 0);
    let lunch = AgentCode::Pause(Some("lunch".into()));
    assert_eq!(right("codes: {pause: \"*121\", pauses: {lunch: \"#3\"}}").codes.find("#3"), Some(&lunch));
}

#[test]
fn hours_are_told_apart_by_keys_after_the_code() {
    let codes = right("codes: {close_today: \"*8\", hours: {office: \"1\", shop: \"22\"}}").codes;
    let shop = || Some("shop".into());
    assert_eq!(codes.find("*8"), Some(&AgentCode::CloseToday(None)));
    assert_eq!(codes.find("*822"), Some(&AgentCode::CloseToday(shop())));
    assert_eq!(codes.find("*2122"), Some(&AgentCode::AsWritten(shop())));
    assert_eq!(codes.hours().map(|hours| &**hours).collect::<Vec<_>>(), ["office", "shop"]);
    let codes = right("codes: {close_today: off, hours: {office: \"1\"}}").codes;
    assert_eq!((codes.find("*211"), codes.hours().count()), (Some(&AgentCode::AsWritten(Some("office".into()))), 0));
    for wrong in ["[office]", "{office: \"*1\"}", "{office: \"\"}", "{office: \"12345\"}", "{office: 1, shop: 1}"] {
        let (_, faults) = read(&format!("codes: {{hours: {wrong}}}"));
        assert!(!faults.is_empty(), "{wrong}: {faults:?}");
    }
}

#[test]
fn ports_are_counted_in_pairs() {
    let pairs = |first: u16, last: u16| {
        MediaSettings { ports: first..=last, codecs: Vec::new(), inband_digits: InbandDigits::Auto }.pairs()
    };
    assert_eq!(
        [pairs(16384, 20479), pairs(16384, 16385), pairs(16385, 16386), pairs(65534, 65535), pairs(9, 3)],
        [2048, 1, 0, 1, 0]
    );
}

#[test]
fn folders_are_beside_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("helpline.yaml");
    let absent = Installation::load(&file);
    assert!(absent.diagnostics.is_empty() && absent.sources.is_empty());
    assert_eq!(absent.installation.flows, folder.path().join("flows"));
    fs::write(&file, "flows: menus\nprompts: /srv/prompts\n").expect("it can be written");
    let loaded = Installation::load(&file);
    assert_eq!(loaded.installation.flows, folder.path().join("menus"));
    assert_eq!(loaded.installation.prompts, Path::new("/srv/prompts"));
    assert_eq!(Installation::load(Path::new("no/such/../helpline.yaml")).sources.len(), 0);
}

#[test]
fn what_cannot_be_read_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let installation = Installation { flows: at("flows"), prompts: at("prompts"), ..Installation::default() };
    let messages = |installation: &Installation| {
        let (reading, _) = load_flows(installation);
        assert!(reading.flows.is_none());
        let errors = reading.diagnostics.into_iter().filter(|fault| fault.severity == Severity::Error);
        let shown = folder.path().display().to_string();
        errors.map(|fault| format!("{} {}", fault.code, fault.message.replace(&shown, ""))).collect::<Vec<_>>()
    };
    assert_eq!(messages(&installation), ["HL0110 `/flows` cannot be read: it is not there"]);

    fs::create_dir_all(at("flows/deeper/.hidden")).expect("a folder");
    assert_eq!(messages(&installation), ["HL0213 there is no flow in any file"]);

    fs::write(at("flows/a.yaml"), b"flow: a\n# \xff\n").expect("it can be written");
    fs::write(at("flows/big.yaml"), " ".repeat(2 * 1024 * 1024)).expect("it can be written");
    fs::write(at("flows/notes.txt"), b"\xff").expect("it can be written");
    fs::write(at("flows/.#a.yaml"), b"\xff").expect("it can be written");
    fs::create_dir(at("flows/folder.yaml")).expect("a folder");
    fs::write(at("flows/deeper/b.yaml"), "flow: b\nnumbers: any\nstart: x\nsteps: {x: {hangup: }}\n")
        .expect("it can be written");
    std::os::unix::fs::symlink(at("flows/none.yaml"), at("flows/gone.yaml")).expect("a link");
    std::os::unix::fs::symlink(at("flows/deeper"), at("flows/deeper/circle")).expect("a link");
    for name in ["c.yml", "d.YAML"] {
        fs::write(at(&format!("flows/{name}")), "flow: c\n").expect("it can be written");
        let (reading, _) = load_flows(&installation);
        let told = reading.diagnostics.iter().find(|fault| fault.file.ends_with(name)).expect("it is told");
        assert!(told.severity == Severity::Warning && told.message.contains("is not read"), "{told:?}");
    }
    let found = messages(&installation);
    for expected in [
        "HL0110 `/flows/a.yaml` cannot be read: line 2 is not text in UTF-8",
        "HL0108 `/flows/big.yaml` cannot be read: it is larger than 1024 KiB",
        "HL0110 `/flows/gone.yaml` cannot be read: it is not there",
    ] {
        assert!(found.iter().any(|message| message == expected), "{expected}: {found:#?}");
    }
    assert!(found.iter().any(|message| message.contains("leads back")), "{found:#?}");
    assert!(found.iter().all(|message| !message.contains("notes") && !message.contains(".#")), "{found:#?}");
}

#[test]
fn a_large_or_broken_installation_file_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("helpline.yaml");
    let check = |expected: codes::Code| {
        let loaded = Installation::load(&file);
        assert_eq!(loaded.diagnostics.iter().map(|fault| fault.code).collect::<Vec<_>>(), [expected]);
        assert!(loaded.has_errors());
    };
    // As large as a hundred megabytes, without taking them on the disk.
    fs::File::create(&file).and_then(|file| file.set_len(100 * 1024 * 1024)).expect("it can be made");
    check(codes::TOO_LARGE);
    fs::write(&file, b"sip: \xff").expect("it can be written");
    check(codes::UNREADABLE);
    fs::remove_file(&file).and_then(|()| fs::create_dir(&file)).expect("a folder");
    check(codes::UNREADABLE);
}

#[test]
fn trunks_are_read() {
    let found = right(
        "sip:
  trunks:
    carrier:
      host: SIP.example.com
      from: [192.0.2.0/24, \"2001:db8::1\"]
      register: {user: acme, password: \"${TOKEN}\"}
      dial: [\"+44\", 0, 1]
    spare: {host: \"tcp://192.0.2.9:5080\", register: {user: b, password_file: token}}
    third: {host: \"[2001:db8::7]\"}
",
    );
    let shown: Vec<String> = found
        .sip
        .trunks
        .iter()
        .map(|trunk| {
            let account = trunk.register.as_ref().map(|login| format!("{}:{}", login.user, login.password));
            format!(
                "{} {} {} {} from {} as {} may call {:?}",
                trunk.name,
                trunk.transport,
                trunk.host,
                trunk.port,
                trunk.from.len(),
                account.unwrap_or_default(),
                trunk.dial
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            "carrier UDP sip.example.com 5060 from 2 as acme:s3cret may call [\"+44\", \"0\", \"1\"]",
            "spare TCP 192.0.2.9 5080 from 0 as b:filed may call []",
            "third UDP 2001:db8::7 5060 from 0 as  may call []",
        ]
    );
    let plan = found.sip.dial_plan();
    assert_eq!(plan.trunk_for("+442079460123").map(|name| &**name), Some("carrier"));
    assert_eq!(plan.trunk_for("+12025550123"), None);
}
