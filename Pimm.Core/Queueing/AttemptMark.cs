using Dapper;
using Npgsql;

namespace Pimm.Core.Queueing;

/// <summary>
/// Says of a transaction which attempt it belongs to: <c>end_lost_attempts(run)</c> ends those whose lease is gone, so that nobody
/// waits for the locks of a worker that is frozen or cut off.
/// </summary>
public static class AttemptMark
{
    /// <summary>Before the transaction takes a lock that a later attempt needs.</summary>
    public static Task SetAsync(NpgsqlConnection connection, JobExecution run) =>
        connection.ExecuteAsync("select mark_attempt(@RunId, @Fence)", new { run.RunId, run.Fence });
}
