//! A name server asked for a record over UDP; over TCP where the answer does not fit into a datagram.

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use lvs::health::{DnsFailure, Failure};
use lvs::model::DnsRecord;

use super::talk::{self, Talk};
use super::trail::Trail;
use super::{Fault, Question, down, socket};

/// What is asked, and what must be in the answer.
#[derive(Clone, Debug)]
pub(crate) struct Inquiry {
    pub(super) name: Name,
    pub(super) record: RecordType,
    /// What one of the records must say, in the words of a zone file; any answer without an error where absent.
    pub(super) answer: Option<String>,
}

/// The type of a record in the library's terms.
pub(super) fn record(record: DnsRecord) -> RecordType {
    match record {
        DnsRecord::A => RecordType::A,
        DnsRecord::Aaaa => RecordType::AAAA,
        DnsRecord::Cname => RecordType::CNAME,
        DnsRecord::Dnskey => RecordType::DNSKEY,
        DnsRecord::Mx => RecordType::MX,
        DnsRecord::Ns => RecordType::NS,
        DnsRecord::Rrsig => RecordType::RRSIG,
        DnsRecord::Soa => RecordType::SOA,
        DnsRecord::Txt => RecordType::TXT,
    }
}

pub(super) async fn ask(question: &Question, inquiry: &Inquiry, id: u16, trail: &Trail) -> Result<(), Fault> {
    let mut query = Query::query(inquiry.name.clone(), inquiry.record);
    query.set_query_class(hickory_proto::rr::DNSClass::IN);
    let mut message = Message::new();
    message.set_id(id).set_message_type(MessageType::Query).set_op_code(OpCode::Query);
    message.set_recursion_desired(true).add_query(query);
    let asked = message.to_vec().map_err(|error| Fault::setting(error.to_string()))?;

    let socket = socket::datagrams(question, trail)?;
    let mut bytes = talk::ask(&socket, &asked, trail).await?;
    // What somebody else answers to an older question is no answer.
    while bytes.get(..2) != Some(id.to_be_bytes().as_slice()) {
        let mut more = vec![0; 4096];
        let count = socket.recv(&mut more).await.map_err(|error| socket::on_talk(&error))?;
        more.truncate(count);
        trail.received(&more);
        bytes = more;
    }
    let mut answer = read(&bytes)?;
    if answer.truncated() {
        answer = by_tcp(question, &asked, trail).await?;
    }
    judge(&answer, inquiry)
}

async fn by_tcp(question: &Question, asked: &[u8], trail: &Trail) -> Result<Message, Fault> {
    let mut talk = Talk::new(socket::connect(question, trail).await?, trail);
    let length = u16::try_from(asked.len()).unwrap_or(u16::MAX);
    talk.send(&[length.to_be_bytes().as_slice(), asked].concat()).await?;
    let length = talk.bytes(2).await?.into_iter().fold(0_usize, |value, byte| value << 8 | usize::from(byte));
    read(&talk.bytes(length).await?)
}

fn read(bytes: &[u8]) -> Result<Message, Fault> {
    Message::from_vec(bytes).map_err(|error| Fault::protocol(error.to_string()))
}

fn judge(answer: &Message, inquiry: &Inquiry) -> Result<(), Fault> {
    if answer.message_type() != MessageType::Response {
        return Err(Fault::protocol("a question came back instead of an answer"));
    }
    let code = answer.response_code();
    if code != ResponseCode::NoError {
        let reason = DnsFailure::Code { code: code.low() };
        return Err(Fault::down(Failure::Dns { reason }, code.to_string()));
    }
    let mut found = answer.answers().iter().filter(|record| record.record_type() == inquiry.record);
    let there = match &inquiry.answer {
        Some(wanted) => found.any(|record| same(&record.data().to_string(), wanted)),
        None => true,
    };
    if there { Ok(()) } else { Err(down(Failure::Dns { reason: DnsFailure::Answer })) }
}

/// Names are the same in upper and lower case, with and without the last dot.
fn same(one: &str, other: &str) -> bool {
    one.trim_end_matches('.').eq_ignore_ascii_case(other.trim().trim_end_matches('.'))
}
