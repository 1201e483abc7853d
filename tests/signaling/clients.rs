//! Real clients on 127.0.0.1: baresip and SIPp register and are called. They belong to `just interop`, which needs both.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use helpline::telephony::{
    AgentAccount, AgentSecret, CallHeaders, Caller, Cause, LegId, PhoneNumber, SipCommand, SipEvent,
};
use tokio::time::timeout;

use crate::play::description;
use crate::sockets::{Served, serve};

/// A program that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> Running {
    let log = std::fs::File::create(folder.join(format!("{program}.log"))).expect("the folder is ours");
    let child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a file"))
        .stderr(log)
        .spawn()
        .unwrap_or_else(|fault| panic!("{program} is not installed: {fault}"));
    Running(child)
}

async fn with_agent() -> Served {
    let served = serve("127.0.0.1:0", 5);
    let secret = AgentSecret::Password("secret".to_owned());
    served.ask(SipCommand::SetAgents(vec![AgentAccount { extension: "1001".to_owned(), secret }])).await;
    served
}

async fn told(served: &mut Served, folder: &Path) -> SipEvent {
    let news = async {
        loop {
            // What is to be kept of phones is no news of a call.
            match served.told().await {
                SipEvent::PhonesRegistered { .. } => {}
                event => break event,
            }
        }
    };
    match timeout(Duration::from_secs(20), news).await {
        Ok(event) => event,
        Err(_) => {
            for entry in std::fs::read_dir(folder).expect("the folder is ours").flatten() {
                if entry.path().extension().is_some_and(|extension| extension == "log") {
                    println!("{}", String::from_utf8_lossy(&std::fs::read(entry.path()).expect("a file")));
                }
            }
            panic!("nothing happens");
        }
    }
}

fn baresip(served: &Served, transport: &str, extra: &str, folder: &Path) -> Running {
    let port = if transport == "tcp" { served.tcp.port() } else { served.udp.port() };
    let account = format!(
        "<sip:1001@127.0.0.1:{port};transport={transport}>;auth_user=1001;auth_pass=secret;answermode=auto;regint=60{extra}\n"
    );
    let config = "sip_listen 127.0.0.1:0\naudio_source aubridge,x\naudio_player aubridge,x\naudio_alert aubridge,x\nmodule_path /usr/lib/baresip/modules\n\
        module g711.so\nmodule aubridge.so\nmodule_tmp uuid.so\nmodule_tmp account.so\nmodule_app menu.so\nrtp_ports 40000-40100\n";
    std::fs::write(folder.join("accounts"), account).expect("the folder is ours");
    std::fs::write(folder.join("config"), config).expect("the folder is ours");
    std::fs::write(folder.join("contacts"), "").expect("the folder is ours");
    run("baresip", &["-f", ".", "-s"], folder)
}

async fn called(served: &mut Served, folder: &Path) {
    let leg = LegId::outbound(1);
    let caller = Caller { number: PhoneNumber::new("+442079460123"), name: Some("Ada".to_owned()) };
    let (extension, offer, headers) = ("1001".to_owned(), description(), CallHeaders::new());
    served.ask(SipCommand::DialAgent { leg, extension, caller, offer, headers }).await;
    loop {
        match told(served, folder).await {
            SipEvent::Ringing { .. } => {}
            SipEvent::Answered { leg: answered, .. } => break assert_eq!(answered, leg),
            other => panic!("{other:?}"),
        }
    }
    served.ask(SipCommand::HangUp { leg, cause: Cause::LocalHungUp }).await;
    assert_eq!(told(served, folder).await, SipEvent::Ended { leg, cause: Cause::LocalHungUp });
}

#[tokio::test]
async fn baresip_registers_and_is_called() {
    for (transport, extra) in
        [("udp", ""), ("tcp", ""), ("udp", ";sipnat=outbound;outbound=\"sip:127.0.0.1:PORT;transport=udp\"")]
    {
        let mut served = with_agent().await;
        let folder = tempfile::tempdir().expect("a folder");
        let extra = extra.replace("PORT", &served.udp.port().to_string());
        let phone = baresip(&served, transport, &extra, folder.path());
        let event = told(&mut served, folder.path()).await;
        assert_eq!(event, SipEvent::AgentReachable { extension: "1001".to_owned() }, "{transport}{extra}");
        called(&mut served, folder.path()).await;
        drop(phone);
    }
}

/// SIPp 3.6 reads the first challenge alone, and knows no SHA-256: so it asks twice, and the second challenge is simpler.
const REGISTER: &str = r#"<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="register">
  <send retrans="500"><![CDATA[
    REGISTER sip:[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: <sip:1001@[remote_ip]>;tag=[call_number]
    To: <sip:1001@[remote_ip]>
    Call-ID: [call_id]
    CSeq: 1 REGISTER
    Contact: <sip:1001@[local_ip]:[local_port];transport=[transport]>
    Max-Forwards: 70
    Expires: 60
    Content-Length: 0

  ]]></send>
  <recv response="401"/>
  <send retrans="500"><![CDATA[
    REGISTER sip:[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: <sip:1001@[remote_ip]>;tag=[call_number]
    To: <sip:1001@[remote_ip]>
    Call-ID: [call_id]
    CSeq: 2 REGISTER
    Contact: <sip:1001@[local_ip]:[local_port];transport=[transport]>
    Max-Forwards: 70
    Expires: 60
    Content-Length: 0

  ]]></send>
  <recv response="401" auth="true"/>
  <send retrans="500"><![CDATA[
    REGISTER sip:[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    From: <sip:1001@[remote_ip]>;tag=[call_number]
    To: <sip:1001@[remote_ip]>
    Call-ID: [call_id]
    CSeq: 3 REGISTER
    Contact: <sip:1001@[local_ip]:[local_port];transport=[transport]>
    [authentication username=1001 password=secret]
    Max-Forwards: 70
    Expires: 60
    Content-Length: 0

  ]]></send>
  <recv response="200"/>
</scenario>
"#;

#[tokio::test]
async fn sipp_registers() {
    for (mode, transport) in [("u1", "udp"), ("t1", "tcp")] {
        let mut served = with_agent().await;
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("register.xml"), REGISTER).expect("the folder is ours");
        let remote = if transport == "tcp" { served.tcp } else { served.udp };
        let sipp = run(
            "sipp",
            &[
                "-sf",
                "register.xml",
                "-m",
                "1",
                "-t",
                mode,
                "-i",
                "127.0.0.1",
                "-nostdin",
                "-trace_err",
                "-trace_msg",
                &format!("127.0.0.1:{}", remote.port()),
            ],
            folder.path(),
        );
        let event = told(&mut served, folder.path()).await;
        assert_eq!(event, SipEvent::AgentReachable { extension: "1001".to_owned() }, "{transport}");
        drop(sipp);
    }
}
