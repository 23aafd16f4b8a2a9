-- What operation leaves behind: backups that were taken, and what retention removed.

create table backup (
    id          bigint generated always as identity primary key,
    folder      text not null,
    snapshot_at timestamptz not null,
    finished_at timestamptz not null,
    bytes       bigint not null check (bytes >= 0),
    seconds     double precision not null check (seconds >= 0)
);
comment on table backup is 'append-only: backups that were finished; a row may outlive its folder';

-- The row with its hash stays when the file goes.
alter table export add column file_removed_at timestamptz;
comment on column export.file_removed_at is 'when retention removed the file; null: the file should be there';

-- Metrics stay when the weights go.
alter table model_version add column weights_removed_at timestamptz;
comment on column model_version.weights_removed_at is 'when retention removed the weights of a version that nothing points to; null: weights as trained';

-- Retention takes weights only under this lock of the line, so a version that is promoted has them and keeps them.
create function promoted_version_has_weights() returns trigger language plpgsql as $$
declare
    removed timestamptz;
begin
    perform pg_advisory_xact_lock(hashtextextended('promotion', new.model_line_id));
    select weights_removed_at into removed from model_version where id = new.model_version_id;
    if removed is not null then
        raise exception 'the version lost its weights on %, as Retention:ModelVersions says: promote one that has them, or train again', to_char(removed at time zone 'UTC', 'YYYY-MM-DD')
            using errcode = '22023';
    end if;
    return new;
end $$;
create trigger promoted_version_has_weights before insert on promotion for each row execute function promoted_version_has_weights();

-- Retention finds old lines by it.
create index job_run_log_logged_at on job_run_log (logged_at);
