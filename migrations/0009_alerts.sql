-- Who is told what is wrong, and what was told.

create table alert_channel (
    id text not null,
    name text not null collate nocase,
    -- Where to and how, JSON; without the secret.
    content text not null,
    -- What signs in at the mail server, or signs what is posted, sealed; absent where there is none.
    secret blob,
    constraint alert_channel_primary primary key (id),
    constraint alert_channel_name_unique unique (name),
    constraint alert_channel_name_length check (length(name) between 1 and 64),
    constraint alert_channel_content_json check (json_valid(content))
) strict;

create table alert_rule (
    id text not null,
    name text not null collate nocase,
    channel text not null,
    -- Absent: all clusters.
    cluster text,
    -- Kinds and times, JSON.
    content text not null,
    constraint alert_rule_primary primary key (id),
    constraint alert_rule_name_unique unique (name),
    constraint alert_rule_name_length check (length(name) between 1 and 64),
    constraint alert_rule_content_json check (json_valid(content)),
    constraint alert_rule_channel_exists foreign key (channel) references alert_channel (id),
    constraint alert_rule_cluster_exists foreign key (cluster) references cluster (id) on delete cascade
) strict;

-- What is wrong now, or was until a moment ago, as a rule sees it.
create table alert_state (
    rule text not null,
    cluster text not null,
    -- What tells the problem from others of its cluster.
    problem text not null,
    -- The problem, since when, when it was told and when it was last seen, JSON.
    content text not null,
    constraint alert_state_primary primary key (rule, cluster, problem),
    constraint alert_state_content_json check (json_valid(content)),
    constraint alert_state_rule_exists foreign key (rule) references alert_rule (id) on delete cascade,
    constraint alert_state_cluster_exists foreign key (cluster) references cluster (id) on delete cascade
) strict;

create table alert_silence (
    id text not null,
    -- Absent: all clusters.
    cluster text,
    -- Absent: all kinds of problems.
    kind text,
    -- Absent: all problems of the kind.
    problem text,
    reason text not null,
    author text not null,
    begins integer not null,
    ends integer not null,
    constraint alert_silence_primary primary key (id),
    constraint alert_silence_ends_later check (ends > begins),
    constraint alert_silence_cluster_exists foreign key (cluster) references cluster (id) on delete cascade
) strict;

create index alert_silence_by_end on alert_silence (ends);

-- What was told, or is to be.
create table alert_message (
    number integer not null,
    at integer not null,
    -- Name of the rule; absent for tests.
    rule text,
    channel text not null,
    -- Id of the cluster; absent for tests.
    cluster text,
    subject text not null,
    -- What is sent, as its kind of channel takes it.
    body text not null,
    outcome text not null,
    attempts integer not null default 0,
    -- When it is tried next; absent when it was sent or given up.
    due integer,
    -- Why it did not arrive at the last attempt.
    error text,
    constraint alert_message_primary primary key (number),
    constraint alert_message_outcome_known check (outcome in ('waiting', 'sent', 'failed')),
    constraint alert_message_due_waiting check ((due is null) = (outcome <> 'waiting')),
    constraint alert_message_channel_exists foreign key (channel) references alert_channel (id) on delete cascade
) strict;

create index alert_message_by_due on alert_message (due) where due is not null;
