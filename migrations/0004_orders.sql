-- Operators' orders for real servers: one document per cluster, beside its revisions.

create table server_orders (
    cluster text not null,
    -- Rises with each change; the same number as in the document.
    serial integer not null,
    changed integer not null,
    content text not null,
    constraint server_orders_primary primary key (cluster),
    constraint server_orders_cluster_exists foreign key (cluster) references cluster (id) on delete cascade,
    constraint server_orders_serial_positive check (serial > 0),
    constraint server_orders_content_json check (json_valid(content))
) strict;
