-- A campaign's page shows who downloaded its lists.
create index on audit_event ((after->>'campaign'), id) where action = 'list.download';
