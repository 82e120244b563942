-- What has happened: told by directors' journals, and noted by the console itself.

create table event (
    number integer not null,
    cluster text not null,
    -- The director's name at that time; absent for what the console did.
    director text,
    -- The director's id, and its own number of the entry; absent for what the console noted itself.
    source text,
    entry integer,
    -- Milliseconds since 1970 on the clock of whoever noted it.
    at_ms integer not null,
    received integer not null,
    kind text not null,
    severity text not null,
    content text not null,
    constraint event_primary primary key (number),
    constraint event_cluster_exists foreign key (cluster) references cluster (id) on delete cascade,
    constraint event_source_entry check ((source is null) = (entry is null)),
    constraint event_severity_known check (severity in ('info', 'warning', 'critical')),
    constraint event_content_json check (json_valid(content))
) strict;

create unique index event_once on event (source, entry) where source is not null;
create index event_by_time on event (cluster, at_ms, number);
create index event_by_receipt on event (received);
