-- How much went through services and real servers: packed chunks of samples at even distances (lvs::series).

create table series (
    number integer not null,
    cluster text not null,
    -- As the kernel names them; '' for all services of the cluster, and for a service as a whole.
    service text not null,
    server text not null,
    constraint series_primary primary key (number),
    constraint series_once unique (cluster, service, server),
    constraint series_cluster_exists foreign key (cluster) references cluster (id) on delete cascade
) strict;

create table series_chunk (
    series integer not null,
    -- Seconds between two samples.
    step integer not null,
    start integer not null,
    -- The moment after the last sample.
    until integer not null,
    data blob not null,
    constraint series_chunk_primary primary key (series, step, start),
    constraint series_chunk_series_exists foreign key (series) references series (number) on delete cascade,
    constraint series_chunk_until_later check (until > start)
) strict;

create index series_chunk_by_end on series_chunk (step, until);
