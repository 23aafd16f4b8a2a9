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

-- Retention finds old lines by it.
create index job_run_log_logged_at on job_run_log (logged_at);
