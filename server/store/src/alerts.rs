//! Alerts: channels, rules, what they see now, silences, and what was told. Contents are the console's JSON.

use crate::{Error, Tx};

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct AlertChannel {
    /// Its id.
    pub id: String,
    /// Unique, whatever the case.
    pub name: String,
    /// Where to and how, JSON.
    pub content: String,
    /// The password or signing key, sealed.
    pub secret: Option<Vec<u8>>,
}

/// Who is told what.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct AlertRule {
    /// Its id.
    pub id: String,
    /// Unique, whatever the case.
    pub name: String,
    /// Id of its channel.
    pub channel: String,
    /// Id of the only cluster it looks at.
    pub cluster: Option<String>,
    /// Kinds and times, JSON.
    pub content: String,
}

/// A problem as a rule sees it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct AlertState {
    /// Id of the rule.
    pub rule: String,
    /// Id of the cluster.
    pub cluster: String,
    /// The problem's key within its cluster.
    pub problem: String,
    /// JSON.
    pub content: String,
}

/// Problems that nobody is told of for a time.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct AlertSilence {
    /// Its id.
    pub id: String,
    /// Id of the only cluster.
    pub cluster: Option<String>,
    /// The only kind of problems.
    pub kind: Option<String>,
    /// The only problem.
    pub problem: Option<String>,
    /// Why, in words.
    pub reason: String,
    /// By whom.
    pub author: String,
    /// From when, seconds since 1970.
    pub begins: i64,
    /// Until when.
    pub ends: i64,
}

/// A message to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewAlertMessage<'a> {
    /// When it was decided, seconds since 1970.
    pub at: i64,
    /// Name of the rule; none for a test.
    pub rule: Option<&'a str>,
    /// Id of the channel.
    pub channel: &'a str,
    /// Id of the cluster; none for a test.
    pub cluster: Option<&'a str>,
    /// One line.
    pub subject: &'a str,
    /// What is sent.
    pub body: &'a str,
    /// When it is to be sent.
    pub due: i64,
}

/// A message that was kept.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct AlertMessage {
    /// Rising.
    pub number: i64,
    /// When it was decided, seconds since 1970.
    pub at: i64,
    /// Name of the rule; none for a test.
    pub rule: Option<String>,
    /// Id of the channel.
    pub channel: String,
    /// Id of the cluster; none for a test.
    pub cluster: Option<String>,
    /// One line.
    pub subject: String,
    /// What is sent.
    pub body: String,
    /// `waiting`, `sent` or `failed`.
    pub outcome: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next.
    pub due: Option<i64>,
    /// Why it did not arrive at the last attempt.
    pub error: Option<String>,
}

/// All of a message, in the order of [`AlertMessage`].
macro_rules! messages {
    ($rest:literal) => {
        concat!(
            "select number, at, rule, channel, cluster, subject, body, outcome, attempts, due, error from alert_message ",
            $rest
        )
    };
}

impl Tx {
    /// All channels, by name.
    pub async fn alert_channels(&mut self) -> Result<Vec<AlertChannel>, Error> {
        Ok(sqlx::query_as("select id, name, content, secret from alert_channel order by name")
            .fetch_all(&mut *self.inner)
            .await?)
    }

    /// Keeps a channel, in place of the one with its id. Refused by `alert_channel_name_unique` and
    /// `alert_channel_name_length`.
    pub async fn put_alert_channel(&mut self, channel: &AlertChannel) -> Result<(), Error> {
        sqlx::query(
            "insert into alert_channel (id, name, content, secret) values (?, ?, ?, ?)
             on conflict (id) do update set name = excluded.name, content = excluded.content, secret = excluded.secret",
        )
        .bind(&channel.id)
        .bind(&channel.name)
        .bind(&channel.content)
        .bind(&channel.secret)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    /// Removes a channel with its messages. Refused as a reference where a rule uses it.
    pub async fn delete_alert_channel(&mut self, id: &str) -> Result<bool, Error> {
        let gone = sqlx::query("delete from alert_channel where id = ?").bind(id);
        Ok(gone.execute(&mut *self.inner).await?.rows_affected() > 0)
    }

    /// All rules, by name.
    pub async fn alert_rules(&mut self) -> Result<Vec<AlertRule>, Error> {
        Ok(sqlx::query_as("select id, name, channel, cluster, content from alert_rule order by name")
            .fetch_all(&mut *self.inner)
            .await?)
    }

    /// Keeps a rule, in place of the one with its id. Refused by `alert_rule_name_unique`, `alert_rule_name_length`, and
    /// as a reference where channel or cluster are not there.
    pub async fn put_alert_rule(&mut self, rule: &AlertRule) -> Result<(), Error> {
        sqlx::query(
            "insert into alert_rule (id, name, channel, cluster, content) values (?, ?, ?, ?, ?)
             on conflict (id) do update set name = excluded.name, channel = excluded.channel,
             cluster = excluded.cluster, content = excluded.content",
        )
        .bind(&rule.id)
        .bind(&rule.name)
        .bind(&rule.channel)
        .bind(&rule.cluster)
        .bind(&rule.content)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    /// Removes a rule with what it sees.
    pub async fn delete_alert_rule(&mut self, id: &str) -> Result<bool, Error> {
        let gone = sqlx::query("delete from alert_rule where id = ?").bind(id);
        Ok(gone.execute(&mut *self.inner).await?.rows_affected() > 0)
    }

    /// What rules see, all of them.
    pub async fn alert_states(&mut self) -> Result<Vec<AlertState>, Error> {
        Ok(sqlx::query_as("select rule, cluster, problem, content from alert_state")
            .fetch_all(&mut *self.inner)
            .await?)
    }

    /// Keeps what a rule sees.
    pub async fn put_alert_state(&mut self, state: &AlertState) -> Result<(), Error> {
        sqlx::query(
            "insert into alert_state (rule, cluster, problem, content) values (?, ?, ?, ?)
             on conflict (rule, cluster, problem) do update set content = excluded.content",
        )
        .bind(&state.rule)
        .bind(&state.cluster)
        .bind(&state.problem)
        .bind(&state.content)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    /// Forgets what a rule saw.
    pub async fn delete_alert_state(
        &mut self,
        rule: &str,
        cluster: &str,
        problem: &str,
    ) -> Result<(), Error> {
        sqlx::query("delete from alert_state where rule = ? and cluster = ? and problem = ?")
            .bind(rule)
            .bind(cluster)
            .bind(problem)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Silences that have not ended, the one that ends first first.
    pub async fn alert_silences(&mut self, now: i64) -> Result<Vec<AlertSilence>, Error> {
        Ok(sqlx::query_as(
            "select id, cluster, kind, problem, reason, author, begins, ends from alert_silence
             where ends > ? order by ends, id",
        )
        .bind(now)
        .fetch_all(&mut *self.inner)
        .await?)
    }

    /// Keeps a new silence.
    pub async fn insert_alert_silence(&mut self, silence: &AlertSilence) -> Result<(), Error> {
        sqlx::query(
            "insert into alert_silence (id, cluster, kind, problem, reason, author, begins, ends)
             values (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(&silence.id)
        .bind(&silence.cluster)
        .bind(&silence.kind)
        .bind(&silence.problem)
        .bind(&silence.reason)
        .bind(&silence.author)
        .bind(silence.begins)
        .bind(silence.ends)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    /// Ends a silence.
    pub async fn delete_alert_silence(&mut self, id: &str) -> Result<bool, Error> {
        let gone = sqlx::query("delete from alert_silence where id = ?").bind(id);
        Ok(gone.execute(&mut *self.inner).await?.rows_affected() > 0)
    }

    /// Keeps a message that is to be sent; its number.
    pub async fn insert_alert_message(&mut self, new: &NewAlertMessage<'_>) -> Result<i64, Error> {
        Ok(sqlx::query_scalar(
            "insert into alert_message (at, rule, channel, cluster, subject, body, outcome, due)
             values (?, ?, ?, ?, ?, ?, 'waiting', ?) returning number",
        )
        .bind(new.at)
        .bind(new.rule)
        .bind(new.channel)
        .bind(new.cluster)
        .bind(new.subject)
        .bind(new.body)
        .bind(new.due)
        .fetch_one(&mut *self.inner)
        .await?)
    }

    /// Messages that are to be sent by now, the oldest first.
    pub async fn due_alert_messages(&mut self, now: i64, limit: u32) -> Result<Vec<AlertMessage>, Error> {
        Ok(sqlx::query_as(messages!("where due <= ? order by due, number limit ?"))
            .bind(now)
            .bind(limit)
            .fetch_all(&mut *self.inner)
            .await?)
    }

    /// Messages with numbers below `before`, the newest first.
    pub async fn alert_messages(
        &mut self,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<AlertMessage>, Error> {
        Ok(sqlx::query_as(messages!("where number < ? order by number desc limit ?"))
            .bind(before.unwrap_or(i64::MAX))
            .bind(limit)
            .fetch_all(&mut *self.inner)
            .await?)
    }

    /// Notes what came of an attempt to send a message.
    pub async fn alert_attempt(
        &mut self,
        number: i64,
        outcome: &str,
        due: Option<i64>,
        error: Option<&str>,
    ) -> Result<(), Error> {
        sqlx::query(
            "update alert_message set attempts = attempts + 1, outcome = ?, due = ?, error = ? where number = ?",
        )
        .bind(outcome)
        .bind(due)
        .bind(error)
        .bind(number)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }

    /// How many messages there are of each outcome.
    pub async fn count_alert_messages(&mut self) -> Result<Vec<(String, i64)>, Error> {
        Ok(sqlx::query_as("select outcome, count(*) from alert_message group by outcome order by outcome")
            .fetch_all(&mut *self.inner)
            .await?)
    }

    /// Forgets messages and silences that ended before that second.
    pub async fn forget_alerts(&mut self, before: i64) -> Result<(), Error> {
        sqlx::query("delete from alert_message where at < ? and due is null")
            .bind(before)
            .execute(&mut *self.inner)
            .await?;
        sqlx::query("delete from alert_silence where ends < ?")
            .bind(before)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }
}
