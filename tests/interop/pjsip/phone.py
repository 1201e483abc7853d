"""A softphone without a screen, made of PJSIP.

It is told what to do on standard input and tells what happens on standard output, a line each, words with spaces
between. All of it happens in one thread.

  answer STATUS            final or provisional answer to the call that rings last
  hold / resume            puts the current call on hold, and takes it back
  call URI                 dials; the new call is the current one
  use N                    makes call N the current one
  transfer URI             blind: the current call's other side is to call URI
  attended N               the current call's other side takes the place of this phone in call N
  digits KEYS              keys by RFC 4733
  hangup                   ends the current call
  register / unregister
  quit

  registration STATUS EXPIRES
  messages NEW/OLD         so many wait, as the server says without having been asked (RFC 3842)
  from ADDRESS             whence the next incoming call came
  incoming N FROM          and `header N NAME: VALUE` for what it says of the caller before it
  state N NAME STATUS      CALLING, INCOMING, EARLY, CONNECTING, CONFIRMED, DISCONNECTED
  media N STATUS           active, local-hold, remote-hold, none
  asked N URI              the other side of call N wants this phone to call there, and it does
  transferring N STATUS    what the other side says of a transfer that this phone asked for
"""

import argparse
import os
import select
import sys

import pjsua2 as pj

MEDIA = {
    pj.PJSUA_CALL_MEDIA_ACTIVE: "active",
    pj.PJSUA_CALL_MEDIA_LOCAL_HOLD: "local-hold",
    pj.PJSUA_CALL_MEDIA_REMOTE_HOLD: "remote-hold",
    pj.PJSUA_CALL_MEDIA_ERROR: "error",
    pj.PJSUA_CALL_MEDIA_NONE: "none",
}


def tell(*words):
    print(*words, flush=True)


class Call(pj.Call):
    def __init__(self, phone, call_id=pj.PJSUA_INVALID_ID):
        super().__init__(phone.account, call_id)
        self.phone = phone
        self.gone = False

    def onCallState(self, prm):
        info = self.getInfo()
        if self.phone.followed is self:
            self.phone.followed = None
            self.phone.adopt(self)
        tell("state", info.id, info.stateText.replace("DISCONNCTD", "DISCONNECTED"), int(info.lastStatusCode))
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            # Freed outside of its own callback.
            self.gone = True

    def onCallMediaState(self, prm):
        info = self.getInfo()
        for index, media in enumerate(info.media):
            if media.type != pj.PJMEDIA_TYPE_AUDIO:
                continue
            tell("media", info.id, MEDIA.get(media.status, "unknown"))
            if media.status in (pj.PJSUA_CALL_MEDIA_ACTIVE, pj.PJSUA_CALL_MEDIA_REMOTE_HOLD):
                audio = self.getAudioMedia(index)
                self.phone.voice.startTransmit(audio)
                if self.phone.ear is not None:
                    audio.startTransmit(self.phone.ear)

    def onCallTransferStatus(self, prm):
        tell("transferring", self.getInfo().id, int(prm.statusCode), "final" if prm.finalNotify else "going")
        prm.cont = True

    def onCallTransferRequest(self, prm):
        # This phone is asked to call somebody else: it does.
        prm.newCall = self.phone.followed = Call(self.phone)
        tell("asked", self.getInfo().id, prm.dstUri)

    def onCallReplaced(self, prm):
        # Attended transfer: the call goes on as another one.
        self.phone.adopt(Call(self.phone, prm.newCallId))
        tell("replaced", self.getInfo().id, prm.newCallId)


class Account(pj.Account):
    def __init__(self, phone):
        super().__init__()
        self.phone = phone

    def onRegState(self, prm):
        tell("registration", int(prm.code), prm.expiration)

    def onMwiInfo(self, prm):
        for line in prm.rdata.wholeMsg.split("\r\n"):
            name, _, value = line.partition(":")
            if name.lower() == "voice-message":
                tell("messages", value.split("(")[0].strip())

    def onIncomingCall(self, prm):
        call = Call(self.phone, prm.callId)
        self.phone.adopt(call)
        for line in prm.rdata.wholeMsg.split("\r\n\r\n")[0].split("\r\n"):
            if line.lower().startswith(("x-helpline-", "subject", "alert-info", "p-asserted-identity")):
                tell("header", prm.callId, line)
        tell("from", prm.rdata.srcAddress)
        tell("incoming", prm.callId, call.getInfo().remoteUri)
        for status in self.phone.options.answer:
            self.phone.answer(status)


class Phone:
    def __init__(self, options):
        self.options = options
        self.calls = {}
        # A call that is made because the other side of another asked for it, until it has begun.
        self.followed = None
        self.current = None
        self.ear = None
        self.endpoint = pj.Endpoint()
        self.endpoint.libCreate()
        config = pj.EpConfig()
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.uaConfig.userAgent = "PJSIP"
        config.logConfig.level = 5
        config.logConfig.consoleLevel = 0
        config.logConfig.filename = options.log
        # The recording has the rate of the line, and silence is sent like everything else.
        config.medConfig.clockRate = 8000
        config.medConfig.sndClockRate = 8000
        config.medConfig.channelCount = 1
        config.medConfig.noVad = True
        config.medConfig.ecTailLen = 0
        self.endpoint.libInit(config)
        transport = pj.TransportConfig()
        transport.port = options.port
        transport.boundAddress = "127.0.0.1"
        kind = {"udp": pj.PJSIP_TRANSPORT_UDP, "tcp": pj.PJSIP_TRANSPORT_TCP}[options.transport]
        self.endpoint.transportCreate(kind, transport)
        self.endpoint.libStart()
        self.endpoint.audDevManager().setNullDev()
        for codec in self.endpoint.codecEnum2():
            wanted = codec.codecId.upper().startswith(options.codec.upper() + "/8000")
            self.endpoint.codecSetPriority(codec.codecId, 255 if wanted else 0)
        self.voice = pj.AudioMediaPlayer()
        self.voice.createPlayer(options.voice)
        if options.ear:
            self.ear = pj.AudioMediaRecorder()
            self.ear.createRecorder(options.ear)
        account = pj.AccountConfig()
        account.idUri = f"sip:{options.user}@{options.domain}"
        account.regConfig.registrarUri = f"sip:{options.domain};transport={options.transport}"
        account.regConfig.timeoutSec = options.expires
        account.regConfig.registerOnAdd = options.password is not None
        account.regConfig.retryIntervalSec = 0
        account.regConfig.firstRetryIntervalSec = 0
        account.regConfig.delayBeforeRefreshSec = 5
        if options.proxy:
            account.sipConfig.proxies.append(f"sip:{options.proxy};transport={options.transport};lr")
        if options.password is not None:
            account.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", options.user, 0, options.password))
        account.mediaConfig.transportConfig.port = options.rtp
        account.mediaConfig.transportConfig.portRange = 90
        account.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
        if options.path:
            # RFC 3327: the registrar may take a way in between as the only one.
            supported = pj.SipHeader()
            supported.hName = "Supported"
            supported.hValue = "path"
            account.regConfig.headers.append(supported)
        if options.timer:
            account.callConfig.timerUse = pj.PJSUA_SIP_TIMER_ALWAYS
            account.callConfig.timerSessExpiresSec = options.timer
        # No tests here are about them.
        account.videoConfig.autoShowIncoming = False
        account.natConfig.iceEnabled = False
        account.natConfig.sipOutboundUse = int(options.outbound)
        self.account = Account(self)
        self.account.create(account)

    def adopt(self, call):
        self.calls[call.getInfo().id] = call
        self.current = call

    def answer(self, status):
        parameters = pj.CallOpParam()
        parameters.statusCode = status
        self.current.answer(parameters)

    def obey(self, line):
        word, _, rest = line.strip().partition(" ")
        parameters = pj.CallOpParam(True)
        if word == "answer":
            self.answer(int(rest))
        elif word == "hold":
            self.current.setHold(pj.CallOpParam(True))
        elif word == "resume":
            parameters.opt.flag = pj.PJSUA_CALL_UNHOLD
            self.current.reinvite(parameters)
        elif word == "call":
            call = Call(self)
            call.makeCall(rest, parameters)
            self.adopt(call)
        elif word == "use":
            self.current = self.calls[int(rest)]
        elif word == "transfer":
            self.current.xfer(rest, parameters)
        elif word == "attended":
            self.current.xferReplaces(self.calls[int(rest)], parameters)
        elif word == "digits":
            self.current.dialDtmf(rest)
        elif word == "hangup":
            self.current.hangup(pj.CallOpParam())
        elif word in ("register", "unregister"):
            self.account.setRegistration(word == "register")
        else:
            raise ValueError(f"`{word}` is no command")

    def run(self):
        rest = b""
        while True:
            self.endpoint.libHandleEvents(10)
            for number in [number for number, call in self.calls.items() if call.gone]:
                gone = self.calls.pop(number)
                if self.current is gone:
                    self.current = next(iter(self.calls.values()), None)
                del gone
            if not select.select([0], [], [], 0)[0]:
                continue
            read = os.read(0, 4096)
            rest += read
            *lines, rest = rest.split(b"\n")
            for line in lines:
                if line.strip() == b"quit":
                    read = b""
                    break
                try:
                    self.obey(line.decode())
                except (pj.Error, ValueError, AttributeError, KeyError) as fault:
                    reason = fault.info() if isinstance(fault, pj.Error) else repr(fault)
                    tell("fault", line.decode().strip(), "|", reason.replace("\n", " "))
            if not read:
                break
        self.end()

    def end(self):
        # What hears must be complete before the endpoint goes.
        self.endpoint.hangupAllCalls()
        for _ in range(20):
            self.endpoint.libHandleEvents(10)
        self.calls.clear()
        self.current = None
        self.ear = None
        self.voice = None
        self.account.shutdown()
        self.endpoint.libDestroy()
        tell("ended")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--user", required=True)
    parser.add_argument("--domain", required=True, help="address and port of the registrar")
    parser.add_argument("--proxy", help="address and port of a proxy in between")
    parser.add_argument("--password")
    parser.add_argument("--transport", default="udp")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rtp", type=int, required=True)
    parser.add_argument("--codec", default="PCMU")
    parser.add_argument("--voice", required=True)
    parser.add_argument("--ear")
    parser.add_argument("--log", required=True)
    parser.add_argument("--expires", type=int, default=300)
    parser.add_argument("--path", action="store_true", help="RFC 3327")
    parser.add_argument("--timer", type=int, default=0, help="session interval in seconds")
    parser.add_argument("--outbound", action="store_true", help="RFC 5626")
    parser.add_argument("--answer", type=int, action="append", default=[], help="what an incoming call is answered")
    Phone(parser.parse_args()).run()


if __name__ == "__main__":
    sys.exit(main())
