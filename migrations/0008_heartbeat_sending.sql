-- Whether beats are sent with a key (0 or 1). A new one is first only accepted, until both directors hold it; of those that
-- are sent with, the highest number is the one.

alter table heartbeat_key add column sending integer not null default 1;
