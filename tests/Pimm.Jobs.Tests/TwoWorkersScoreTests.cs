using System.Buffers.Binary;
using System.Security.Cryptography;
using Dapper;
using Npgsql;
using Pimm.Core.Database;
using Pimm.Core.Queueing;
using Pimm.Core.Scoring;
using Pimm.Jobs.Tests.Faults;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

/// <summary>Two million customers, two worker processes, one of them killed.</summary>
public sealed class TwoWorkersScoreTests
{
    private const int Customers = 2_000_000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Category", "Long")]
    public async Task Both_take_shards_and_when_one_is_killed_the_other_ends_with_the_result_of_one_worker_alone()
    {
        await using var pimm = await PimmInstance.StartAsync();
        var campaign = await ScoringAudience.MakeAsync(pimm, Customers, history: 20_000, Cancel);
        await pimm.StopWorkerAsync();
        var alone = await ScoreAloneAsync(pimm, campaign);

        await using var one = PimmProcess.Start(pimm.Database, "work");
        await using var two = PimmProcess.Start(pimm.Database, "work");
        var id = await AskAsync(pimm, campaign, "by two");
        await UntilAsync(async () => (await WorkersOfAsync(pimm, id)).Count(w => w.Shards >= 10) == 2);
        var planner = (await pimm.Service<JobQueue>().GetAsync(id, Cancel)).Owner!;
        var killed = planner.EndsWith($"/{one.Id}", StringComparison.Ordinal) ? one : two;
        killed.Signal("KILL");
        var kill = DateTimeOffset.UtcNow;
        var left = (await WorkersOfAsync(pimm, id)).Sum(w => w.Shards);
        left.ShouldBeLessThan(64);

        var run = await FinishedAsync(pimm, id);

        (run.State, run.Attempt).ShouldBe((JobStates.Succeeded, 2), run.Error);
        run.Owner.ShouldBeNull();
        var workers = await WorkersOfAsync(pimm, id);
        workers.Sum(w => w.Shards).ShouldBe(64);
        workers.Count.ShouldBeGreaterThan(1);
        Say($"killed after {left} of 64 shards; shards by run and fence: {string.Join(", ", workers.Select(w => $"{w.RunId}/{w.Fence}: {w.Shards}"))}");
        var same = await HashAsync(pimm, id) == alone;
        new FaultRecord(4, $"kill -9 of one of two workers that score {Customers:N0} customers", same, (run.StartedAt!.Value - kill).TotalSeconds,
            FormattableString.Invariant($"finished {(run.FinishedAt!.Value - kill).TotalSeconds:F1} s after the kill; every score as by one worker alone")).Write();
        same.ShouldBeTrue();
    }

    private static async Task<(long Rows, string Hash)> ScoreAloneAsync(PimmInstance pimm, long campaign)
    {
        await using var worker = PimmProcess.Start(pimm.Database, "work");
        var id = await AskAsync(pimm, campaign, "alone");
        var run = await FinishedAsync(pimm, id);
        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        (await WorkersOfAsync(pimm, id)).ShouldHaveSingleItem().Shards.ShouldBe(64);
        var seconds = (run.FinishedAt!.Value - run.StartedAt!.Value).TotalSeconds;
        Say($"one worker: {Customers:N0} customers by two models in {seconds:F1} s, {Customers / seconds:N0} customers/s");
        var result = await HashAsync(pimm, id);
        result.Rows.ShouldBe(Customers);
        return result;
    }

    private static Task<long> AskAsync(PimmInstance pimm, long campaign, string key) =>
        pimm.Service<JobQueue>().EnqueueAsync(new JobRequest(ScoreCampaign.JobKind, key, new { }, campaign), Cancel);

    private static async Task<JobRun> FinishedAsync(PimmInstance pimm, long id)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(15));
        return await pimm.Service<JobQueue>().WaitAsync(id, limit.Token);
    }

    private sealed record Share(long RunId, long Fence, long Shards);

    private static async Task<IReadOnlyList<Share>> WorkersOfAsync(PimmInstance pimm, long id)
    {
        await using var connection = await pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        return [.. await connection.QueryAsync<Share>(
            "select h.run_id, h.fence, count(*) as shards from score_shard h join scoring s on s.id = h.scoring_id where s.run_id = @id and h.finished_at is not null group by 1, 2 order by 1, 2", new { id })];
    }

    /// <summary>Of every row as it is in the database, ordered by customer.</summary>
    private static async Task<(long Rows, string Hash)> HashAsync(PimmInstance pimm, long id)
    {
        await using var connection = await pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (rows, row) = (0L, new byte[24]);
        var source = $"(select customer, control_score, treatment_score from score where scoring_id = (select id from scoring where run_id = {id}) order by customer)";
        await foreach (var score in BulkCopy.ReadAsync(connection, source, Read, Cancel))
        {
            score.Customer.TryWriteBytes(row);
            BinaryPrimitives.WriteSingleLittleEndian(row.AsSpan(16), score.Control);
            BinaryPrimitives.WriteSingleLittleEndian(row.AsSpan(20), score.Treatment);
            hash.AppendData(row);
            rows++;
        }
        return (rows, Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    private static CustomerScore Read(CopyReader row) =>
        new(row.ReadGuid(), row.ReadSingle(), row.ReadSingle());

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(5));
        while (!await condition())
            await Task.Delay(100, limit.Token);
    }

    private static void Say(string text) => TestContext.Current.TestOutputHelper?.WriteLine(text);
}
