-- What beats between the directors of a cluster are authenticated with; the highest number is the one that is sent.

create table heartbeat_key (
    cluster text not null,
    number integer not null,
    secret text not null,
    created integer not null,
    constraint heartbeat_key_primary primary key (cluster, number),
    constraint heartbeat_key_cluster_exists foreign key (cluster) references cluster (id) on delete cascade,
    constraint heartbeat_key_number_range check (number between 1 and 65535),
    constraint heartbeat_key_secret_hex check (length(secret) = 64)
) strict;
