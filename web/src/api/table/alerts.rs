//! The routes of alerts. Called by the table alone.

use console::{RuleSettings, SilenceSettings};

use super::Table;
use crate::api::accounts::WasChanged;
use crate::api::alerts;
use crate::api::operation::{CURSOR, LIMIT, op};
use crate::api::request::Rehearsal;
use crate::api::schema::{List, With};
use crate::routes::{Admin, Operator, Viewer};

type Rule = With<RuleSettings, alerts::RuleMore>;
type Silence = With<SilenceSettings, alerts::SilenceMore>;

const CHANNEL: &str = "/api/v1/alerts/channels/{channel}";
const RULE: &str = "/api/v1/alerts/rules/{rule}";

pub(super) fn of_alerts(table: Table) -> Table {
    of_rules(of_channels(table))
        .get::<Viewer, _, _>(
            "/api/v1/alerts",
            op("alerts", "listAlerts").paged().gives::<List<alerts::AlertShape>>(),
            alerts::list,
        )
        .get::<Viewer, _, _>(
            "/api/v1/alerts/messages",
            op("alerts", "listAlertMessages").query(&[LIMIT, CURSOR]).gives::<List<alerts::MessageShape>>(),
            alerts::messages,
        )
        .get::<Viewer, _, _>(
            "/api/v1/alerts/silences",
            op("alerts", "listAlertSilences").paged().gives::<List<Silence>>(),
            alerts::silences,
        )
        .post::<Operator, _, _>(
            "/api/v1/alerts/silences",
            op("alerts", "createAlertSilence")
                .takes::<SilenceSettings>()
                .makes::<Silence>()
                .rehearses::<Rehearsal>(),
            alerts::create_silence,
        )
        .delete::<Operator, _, _>(
            "/api/v1/alerts/silences/{silence}",
            op("alerts", "deleteAlertSilence").gives_nothing().rehearses::<Rehearsal>(),
            alerts::delete_silence,
        )
}

fn of_channels(table: Table) -> Table {
    table
        .get::<Admin, _, _>(
            "/api/v1/alerts/channels",
            op("alerts", "listAlertChannels").paged().gives::<List<alerts::ChannelShape>>(),
            alerts::channels,
        )
        .post::<Admin, _, _>(
            "/api/v1/alerts/channels",
            op("alerts", "createAlertChannel")
                .takes_back::<alerts::ChannelBody>(alerts::READ_ONLY)
                .makes::<alerts::ChannelShape>()
                .tagged()
                .rehearses::<Rehearsal>(),
            alerts::create_channel,
        )
        .get::<Admin, _, _>(
            CHANNEL,
            op("alerts", "getAlertChannel").gives::<alerts::ChannelShape>().tagged(),
            alerts::one_channel,
        )
        .put::<Admin, _, _>(
            CHANNEL,
            op("alerts", "replaceAlertChannel")
                .takes_back::<alerts::ChannelBody>(alerts::READ_ONLY)
                .if_match()
                .gives::<With<alerts::ChannelShape, WasChanged>>()
                .tagged()
                .rehearses::<Rehearsal>(),
            alerts::replace_channel,
        )
        .delete::<Admin, _, _>(
            CHANNEL,
            op("alerts", "deleteAlertChannel").if_match().gives_nothing().rehearses::<Rehearsal>(),
            alerts::delete_channel,
        )
        .post::<Admin, _, _>(
            "/api/v1/alerts/channels/{channel}/test",
            op("alerts", "testAlertChannel").gives::<alerts::MessageShape>().rehearses::<Rehearsal>(),
            alerts::test_channel,
        )
}

fn of_rules(table: Table) -> Table {
    table
        .get::<Admin, _, _>(
            "/api/v1/alerts/rules",
            op("alerts", "listAlertRules").paged().gives::<List<Rule>>(),
            alerts::rules,
        )
        .post::<Admin, _, _>(
            "/api/v1/alerts/rules",
            op("alerts", "createAlertRule")
                .takes_back::<RuleSettings>(alerts::READ_ONLY)
                .makes::<Rule>()
                .tagged()
                .rehearses::<Rehearsal>(),
            alerts::create_rule,
        )
        .get::<Admin, _, _>(RULE, op("alerts", "getAlertRule").gives::<Rule>().tagged(), alerts::one_rule)
        .put::<Admin, _, _>(
            RULE,
            op("alerts", "replaceAlertRule")
                .takes_back::<RuleSettings>(alerts::READ_ONLY)
                .if_match()
                .gives::<With<Rule, WasChanged>>()
                .tagged()
                .rehearses::<Rehearsal>(),
            alerts::replace_rule,
        )
        .delete::<Admin, _, _>(
            RULE,
            op("alerts", "deleteAlertRule").if_match().gives_nothing().rehearses::<Rehearsal>(),
            alerts::delete_rule,
        )
}
