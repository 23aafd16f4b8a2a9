namespace Pimm.Core.Operating;

/// <summary>How health and meters see the runs that are not finished.</summary>
internal static class OpenRuns
{
    /// <summary>
    /// SQL, to be used in brackets: the queued and running ones with <c>due_since</c>, when a worker could have taken them. Null: they run,
    /// are to be tried later, or wait for others, from whose end on a chained one counts.
    /// </summary>
    public const string Select =
        """
        select r.*, case when r.state = 'queued' and r.not_before <= clock_timestamp()
                              and not exists (select from job_run p where p.id = any(r.after_runs) and p.state <> 'succeeded')
                         then greatest(r.not_before, (select max(p.finished_at) from job_run p where p.id = any(r.after_runs))) end as due_since
          from job_run r where r.state in ('queued', 'running')
        """;
}
