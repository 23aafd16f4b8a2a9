using Dapper;
using Npgsql;

namespace Pimm.Jobs.Tests.Faults;

/// <summary>One change of a row of job_run, heartbeats included.</summary>
/// <param name="At">the database's clock</param>
public sealed record RunChange(DateTimeOffset At, long RunId, long Fence, int Attempt, string State, string? Owner);

/// <summary>Every change that a run's row ever saw, kept by a trigger of the tests' own, and the effects that runs had.</summary>
internal sealed class RunHistory(NpgsqlDataSource observer)
{
    private const string Prepare = """
        create table fault_effect (run_id bigint not null, no int not null, fence bigint not null, written_at timestamptz not null default clock_timestamp());
        grant select, insert on fault_effect to public;
        create table fault_history (
          seq bigint generated always as identity, at timestamptz not null default clock_timestamp(),
          run_id bigint not null, fence bigint not null, attempt int not null, state text not null, owner text);
        create function keep_fault_history() returns trigger language plpgsql security definer as $$
        begin
          insert into fault_history (run_id, fence, attempt, state, owner) values (new.id, new.fence, new.attempt, new.state, new.owner);
          return null;
        end $$;
        create trigger fault_history after insert or update on job_run for each row execute function keep_fault_history();
        """;

    private const string CountZombies = """
        select count(*) from fault_effect e
         where exists (select from fault_history h where h.run_id = e.run_id and h.fence > e.fence and h.at < e.written_at)
        """;

    private const string SelectChanges = "select at, run_id, fence, attempt, state, owner from fault_history where @run::bigint is null or run_id = @run order by seq";

    public Task PrepareAsync() => OwnerAsync(owner => owner.ExecuteAsync(Prepare));

    /// <param name="run">null: all</param>
    public Task<List<RunChange>> ChangesAsync(long? run = null) => OwnerAsync(async owner => (await owner.QueryAsync<RunChange>(SelectChanges, new { run })).AsList());

    /// <summary>Numbers of the effects that the run had, as often as it had them.</summary>
    public Task<List<int>> EffectsAsync(long run) =>
        OwnerAsync(async owner => (await owner.QueryAsync<int>("select no from fault_effect where run_id = @run order by no", new { run })).AsList());

    /// <summary>From the fault to the first change under a higher fence, and to the run's end.</summary>
    public async Task<(double FirstSign, double End)> RecoveryAsync(long run, DateTimeOffset fault)
    {
        var changes = await ChangesAsync(run);
        var fence = changes.Where(change => change.At <= fault).Max(change => change.Fence);
        return ((changes.First(change => change.At > fault && change.Fence > fence).At - fault).TotalSeconds, (changes[^1].At - fault).TotalSeconds);
    }

    /// <summary>From a moment to the first change after it.</summary>
    public async Task<double> FirstSignAsync(long run, DateTimeOffset since) =>
        ((await ChangesAsync(run)).First(change => change.At > since).At - since).TotalSeconds;

    /// <summary>Effects written under a fence when a higher one had been given out.</summary>
    public Task<int> EffectsOfZombiesAsync() => OwnerAsync(owner => owner.ExecuteScalarAsync<int>(CountZombies));

    public async Task<T> OwnerAsync<T>(Func<NpgsqlConnection, Task<T>> ask)
    {
        await using var owner = await observer.OpenConnectionAsync();
        return await ask(owner);
    }
}
