using System.Text.Json;
using Dapper;
using Pimm.Core.Importing;
using Pimm.Core.Queueing;
using Pimm.Core.Training;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Training;

public sealed class FirstChampionTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_training_that_ends_after_another_gave_the_line_its_first_champion_does_not_take_its_place()
    {
        await using var pimm = await PimmInstance.StartAsync();
        var (models, queue) = (pimm.Service<ModelStore>(), pimm.Service<JobQueue>());
        var audience = await pimm.Service<AudienceStore>().CreateAsync("people", "key", [new("age", "number")], ["click"], cancellationToken: Cancel);
        var line = await models.CreateLineAsync(audience, "line", "random", cancellationToken: Cancel);
        await using var connection = await pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        long first, run;
        await using (var transaction = await connection.BeginTransactionAsync(Cancel))
        {
            await ModelStore.LockAsync(connection, line);
            first = await models.AddVersionAsync(connection, line, 1, new StoredModel("{}", null, null), 0, null, null);
            await models.PromoteAsync(connection, first, "a person", "the first");
            run = await queue.EnqueueAsync(new JobRequest(TrainModelLine.JobKind, "second", new TrainLineRequest(line)), Cancel);
            await WaitedForAsync(pimm);
            await transaction.CommitAsync(Cancel);
        }

        var done = await queue.WaitAsync(run, Cancel);

        (done.State, done.Attempt).ShouldBe((JobStates.Succeeded, 1), done.Error);
        JsonDocument.Parse(done.Result!).RootElement.GetProperty("promoted").GetBoolean().ShouldBeFalse();
        (await models.ChampionAsync(line, Cancel))!.Id.ShouldBe(first);
        (await models.VersionsAsync(line, Cancel)).Count.ShouldBe(2);
    }

    private static async Task WaitedForAsync(PimmInstance pimm)
    {
        await using var owner = await pimm.Database.Owner.OpenConnectionAsync(Cancel);
        for (var waiting = 0L; waiting == 0; await Task.Delay(20, Cancel))
        {
            waiting = await owner.ExecuteScalarAsync<long>(
                "select count(*) from pg_locks where locktype = 'advisory' and not granted and database = (select oid from pg_database where datname = current_database())");
        }
    }
}
