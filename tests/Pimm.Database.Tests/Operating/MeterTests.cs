using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Dapper;
using Microsoft.Extensions.Logging.Abstractions;
using Pimm.Core.Database;
using Pimm.Core.Operating;
using Pimm.Core.Queueing;
using Pimm.Core.Safekeeping;
using Pimm.Database.Tests.Queueing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Operating;

public sealed class MeterTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Runs_rows_the_queue_and_the_backup_s_age_are_measured()
    {
        var measured = new ConcurrentBag<(string Name, double Value, string Tags)>();
        using var listener = new MeterListener { InstrumentPublished = (instrument, listener) => { if (instrument.Meter.Name == PimmMeter.Name) listener.EnableMeasurementEvents(instrument); } };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => measured.Add((instrument.Name, value, Text(tags))));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => measured.Add((instrument.Name, value, Text(tags))));
        listener.Start();
        await using var world = await QueueWorld.CreateAsync();
        await using (var connection = await world.Database.Owner.OpenConnectionAsync(Cancel))
        {
            await connection.ExecuteAsync("create table metered_rows_7(x int)");
            (await BulkCopy.WriteAsync(connection, "metered_rows_7 (x)", [1, 2, 3], (row, x) => row.Write(x), Cancel)).ShouldBe(3);
            await connection.ExecuteAsync("insert into backup(folder, snapshot_at, finished_at, bytes, seconds) values ('/b', now() - interval '1 hour', now(), 1, 1)");
        }
        var lost = await world.AskAsync("lost", maxAttempts: 1);
        await world.ClaimSilentlyAsync();
        await world.ExpireLeaseAsync(lost);
        await world.StartAsync(async (run, _) =>
        {
            var key = run.Arguments.GetProperty("key").GetString();
            if (key == "unwanted")
                await world.Queue.RequestCancelAsync(run.RunId, CancellationToken.None);
            if (key is "bad" or "unwanted")
                throw new IOException("no");
        });
        await world.FinishedAsync(lost);
        await world.FinishedAsync(await world.AskAsync("good"));
        await world.FinishedAsync(await world.AskAsync("bad", maxAttempts: 1));
        await world.FinishedAsync(await world.AskAsync("unwanted"));
        var before = await world.AskAsync("before");
        await world.FinishedAsync(before);
        await world.Queue.EnqueueAsync(new JobRequest("chained", "needs a gpu", new { }, Requires: ["gpu"], After: [before]), Cancel);
        await world.ScalarAsync<int>($"update job_run set not_before = now() - interval '2 hours' where kind = 'chained'; update job_run set finished_at = now() - interval '1 hour' where id = {before}");
        using var sampler = new QueueSampler(world.Database.DataSource, new BackupStore(world.Database.DataSource), TimeProvider.System, NullLogger<QueueSampler>.Instance);
        await sampler.SampleAsync(Cancel);
        listener.RecordObservableInstruments();

        measured.ShouldContain(("pimm.rows.written", 3d, "table=metered_rows"));
        measured.ShouldContain(one => one.Name == "pimm.run.duration" && one.Tags == "kind=job outcome=succeeded" && one.Value > 0);
        measured.ShouldContain(one => one.Name == "pimm.run.duration" && one.Tags == "kind=job outcome=failed");
        measured.ShouldContain(one => one.Name == "pimm.run.duration" && one.Tags == "kind=job outcome=cancelled");
        measured.ShouldContain(one => one.Name == "pimm.run.attempts_lost" && one.Value >= 1);
        measured.ShouldContain(("pimm.runs", 1d, "kind=chained state=queued"));
        measured.ShouldContain(("pimm.runs", 2d, "kind=job state=failed"));
        measured.ShouldContain(("pimm.queue.depth", 1d, ""));
        measured.ShouldContain(one => one.Name == "pimm.queue.age" && one.Value > 3_599 && one.Value < 3_700);
        measured.ShouldContain(one => one.Name == "pimm.backup.age" && one.Value > 3_599 && one.Value < 3_700);
    }

    private static string Text(ReadOnlySpan<KeyValuePair<string, object?>> tags) => string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"));
}
