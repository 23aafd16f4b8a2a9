using System.Text.Json;
using Dapper;
using Microsoft.Extensions.Options;
using Pimm.Core.Auditing;
using Pimm.Core;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Promoting;
using Pimm.Core.Queueing;
using Pimm.Core.Training;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Promoting;

/// <summary>Three nights of train → promote on a small simulated market with real networks, then what can go wrong.</summary>
public sealed class NightlyPromotionTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Three_nights_promote_refuse_a_corrupted_challenger_and_roll_back()
    {
        await using var pimm = await PimmInstance.StartAsync();
        var market = await TrainedMarket.ImportAsync(pimm, historyRows: 24_000, Cancel);
        var line = await pimm.Service<ModelStore>().CreateLineAsync(market.AudienceId, "nightly", "shared-bottom", """{"epochs":"2"}""", Cancel);
        var incumbent = await pimm.Service<ModelStore>().CreateLineAsync(market.AudienceId, "incumbent", "shared-bottom", """{"epochs":"1"}""", Cancel);
        Lenient(pimm.Service<IOptions<PromotingOptions>>().Value);

        var first = await TrainAsync(pimm, market, line, daysBefore: 2);
        (await JudgeAsync(pimm, line)).Decision.ShouldBe("none");

        await TrainAsync(pimm, market, incumbent, daysBefore: 200);
        await pimm.Service<CampaignStore>().CreateAsync(new Campaign(
            0, "first", market.AudienceId, incumbent, line, "UTC", new DateOnly(2026, 3, 2), 3, 30, 60, 0.1, 0.05, "plain", 1, "first", "somebody", market.Ends), Cancel);
        var second = await TrainAsync(pimm, market, line, daysBefore: 1);
        (await pimm.Service<ModelStore>().ChampionAsync(line, Cancel))!.Id.ShouldBe(first);
        var promoted = await JudgeAsync(pimm, line);
        (promoted.Decision, promoted.Champion).ShouldBe(("promoted", second), promoted.Sentence);
        await JudgementIsWholeAsync(pimm, second, first);
        var night = (await pimm.Service<PromotionStore>().ComparisonAsync(line, incumbent, Cancel))!;
        // The champion of before the judgement; rows of the newest fifth.
        (night.ModelVersionId, night.TotalSums().Rows).ShouldBe((first, JsonSerializer.Deserialize<DifferenceSums>(night.Night, JsonSerializerOptions.Web)!.Rows));
        night.TotalSums().Rows.ShouldBeInRange(1_500, 2_500);
        // The incumbent is 200 days old: hardly a customer is new to both, but every row is, and is counted once for good.
        night.TotalSums().Rows.ShouldBe(await ExploredAsync(pimm, market, night));
        night.Sentence.ShouldContain(" Customers whom only one of the two champions has learned from (20");

        var third = await TrainAsync(pimm, market, line, daysBefore: 0);
        await CorruptAsync(pimm, third);
        var refused = await JudgeAsync(pimm, line);
        (refused.Decision, refused.Champion).ShouldBe(("refused", second));
        var next = (await pimm.Service<PromotionStore>().ComparisonAsync(line, incumbent, Cancel))!;
        (next.RowsFrom, next.ModelVersionId).ShouldBe((night.RowsTo, second));
        next.TotalSums().Rows.ShouldBeInRange(night.TotalSums().Rows + 10, night.TotalSums().Rows + 70);
        refused.Sentence.ShouldBe($"Version 3 cannot be used, version 2 stays. The weights of model version {third} do not have the hash stored with them: train again or roll back.");
        (await Should.ThrowAsync<InputException>(() => pimm.Service<ChampionChange>().PromoteAsync(third, "a person", "it is new", Cancel))).Message.ShouldContain("hash");
        (await ChampionAsync(pimm, line)).ShouldBe(second);
        // A damaged newest version does not stop the line: another seed, since there are no rows after it.
        (await TrainAsync(pimm, market, line, daysBefore: 0, seed: 2)).ShouldBeGreaterThan(third);

        await RollBackAsync(pimm, line, first, second);

        // Nights that were compared before would leave no row to compare.
        await using (var owner = await pimm.Database.Owner.OpenConnectionAsync(Cancel))
        {
            await owner.ExecuteAsync("delete from line_comparison");
        }

        await CorruptAsync(pimm, (await pimm.Service<ModelStore>().ChampionAsync(incumbent, Cancel))!.Id);
        var alone = await JudgeAsync(pimm, line);
        (alone.Decision is "promoted" or "kept", alone.Lines).ShouldBe((true, null), alone.Sentence);
        await using var connection = await pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        (await connection.ExecuteScalarAsync<long>("select count(*) from job_run_log where message like '\"nightly\" was not compared with the incumbent line tonight. The weights of model version %'")).ShouldBe(1);
    }

    private static async Task RollBackAsync(PimmInstance pimm, long line, long first, long second)
    {
        var change = pimm.Service<ChampionChange>();
        var back = await change.RollBackAsync(line, "a person", "looks odd", Cancel);
        (back.Champion.Id, back.Before).ShouldBe((first, 2));
        (await Should.ThrowAsync<InputException>(() => change.RollBackAsync(line, "a person", "again", Cancel)))
            .Message.ShouldBe("The line \"nightly\" has had no champion before version 1: promote another version with `pimm models promote`.");

        var again = await JudgeAsync(pimm, line, second);
        (again.Decision, again.Champion).ShouldBe(("kept", first));
        again.Sentence.ShouldBe("Version 2 was rolled back by a person and is not promoted again by night; version 1 stays.");

        await change.PromoteAsync(second, "a person", "it was right", Cancel);
        (await ChampionAsync(pimm, line)).ShouldBe(second);
        (await Should.ThrowAsync<InputException>(() => change.PromoteAsync(second, "a person", "twice", Cancel))).Message.ShouldBe("Version 2 is the champion of \"nightly\" already.");
        var recorded = await pimm.Service<AuditLog>().ListAsync(new AuditFilter(Object: $"model-line:{line}"), 3, Cancel);
        recorded.Select(row => (row.Action, row.Actor.Split(':')[0])).ShouldBe([("model.promote", "cli"), ("model.rollback", "cli"), ("model.promote", "run")]);
        (recorded[1].Before, JsonDocument.Parse(recorded[1].After!).RootElement.GetProperty("modelVersionId").GetInt64())
            .ShouldBe(($$"""{"version": 2, "modelVersionId": {{second}}}""", first));
    }

    private static async Task JudgementIsWholeAsync(PimmInstance pimm, long version, long champion)
    {
        var judged = (await pimm.Service<PromotionStore>().JudgementOfAsync(version, Cancel))!;
        (judged.ChampionVersionId, judged.Decision).ShouldBe((champion, "promoted"));
        judged.JudgedRows.ShouldBeInRange(1_500, 2_500);
        judged.Customers.ShouldBeInRange(1_000, judged.JudgedRows);
        judged.StageList().Select(stage => stage.Name).ShouldBe(["click", "conversion", "core_conversion"]);
        judged.StageList().Sum(stage => stage.VersionLogLoss).ShouldBe(judged.VersionLogLoss!.Value, 1e-12);
        judged.DifferenceLower!.Value.ShouldBeLessThan(judged.Difference!.Value);
        judged.DifferenceUpper!.Value.ShouldBeInRange(judged.Difference.Value, judged.Margin!.Value);
        (judged.Alpha, judged.AlphaSpent).ShouldBe((0.05 / 60, 0.05 / 60));

        // Whole weeks of rows that neither version has learned from: the newest fifth of what both were trained on.
        var both = new[] { await pimm.Service<ModelStore>().GetVersionAsync(champion, Cancel), await pimm.Service<ModelStore>().GetVersionAsync(version, Cancel) };
        judged.RowsFrom.ShouldBe(both.Max(RowJudge.UnseenFrom));
        judged.RowsTo.ShouldBe(both[1].NewestImpression);
        await using var connection = await pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        (await connection.ExecuteScalarAsync<long>("select judgement_id from promotion where model_version_id = @version", new { version })).ShouldBe(judged.Id);
    }

    private sealed record Result(string Decision, string Sentence, long Champion, string? Lines = null);

    private static void Lenient(PromotingOptions options) =>
        (options.MinimumPositives, options.Margin, options.CalibrationLowest, options.CalibrationHighest) = (3, 0.2, 0.01, 10);

    private static async Task<long> TrainAsync(PimmInstance pimm, TrainedMarket market, long line, int daysBefore, long seed = 1)
    {
        var run = await pimm.RunAsync(new JobRequest(TrainModelLine.JobKind, $"train/{line}/{daysBefore}/{seed}", new TrainLineRequest(line, seed, market.Ends.AddDays(30 - daysBefore), 30)), Cancel);
        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        return (await pimm.Service<ModelStore>().VersionsAsync(line, Cancel))[0].Id;
    }

    private static async Task<Result> JudgeAsync(PimmInstance pimm, long line, long? version = null)
    {
        var run = await pimm.RunAsync(new JobRequest(PromoteVersion.JobKind, $"promote/{line}/{TestContext.Current.Test!.UniqueID}/{Interlocked.Increment(ref _asked)}", new PromoteRequest(line, version)), Cancel);
        run.State.ShouldBe(JobStates.Succeeded, run.Error);
        return JsonSerializer.Deserialize<Result>(run.Result!, JobRequest.Json)!;
    }

    private static async Task<long> ChampionAsync(PimmInstance pimm, long line) => (await pimm.Service<ModelStore>().ChampionAsync(line, Cancel))!.Id;

    private static async Task<long> ExploredAsync(PimmInstance pimm, TrainedMarket market, LineComparison night)
    {
        var audience = await pimm.Service<AudienceStore>().GetAsync(market.AudienceId, Cancel);
        await using var connection = await pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        return await connection.ExecuteScalarAsync<long>(
            $"select count(*) from {audience.TrainingHistoryView} where not targeted and impression_at >= @RowsFrom and impression_at < @RowsTo", new { night.RowsFrom, night.RowsTo });
    }

    private static async Task CorruptAsync(PimmInstance pimm, long version)
    {
        await using var owner = await pimm.Database.Owner.OpenConnectionAsync(Cancel);
        await owner.ExecuteAsync("update model_version set weights = set_byte(weights, length(weights) / 2, 255 - get_byte(weights, length(weights) / 2)) where id = @version", new { version });
    }

    private static int _asked;
}
