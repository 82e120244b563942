-- A draft whose owner asks somebody else to activate it: since when, and why. Any further change of the draft takes that back.

alter table draft add column asked integer;
alter table draft add column asked_message text
    constraint draft_asked_whole check ((asked is null) = (asked_message is null))
    constraint draft_asked_message_length check (length(asked_message) <= 500);
