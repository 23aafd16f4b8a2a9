using Pimm.Core.Importing;
using Pimm.Core.Promoting;
using Pimm.Core.Queueing;
using Pimm.Core.Training;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Promoting;

/// <summary>More nights than the window has, none at quite the minute of the one before.</summary>
public sealed class AlphaWindowTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private static readonly PromotingOptions Options = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_night_has_its_share_of_alpha_for_ever_and_a_second_judgement_of_a_night_has_none()
    {
        var clock = new Nights();
        var (store, rule) = (new PromotionStore(database.DataSource, clock), new PromotionRule(Options));
        var (line, version, run) = await VersionAsync();
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);

        for (var night = 0; night < 130; night++)
        {
            // Earlier than the night before, then later, by up to twelve minutes.
            clock.Now = Nights.First.AddDays(night).AddMinutes(-12 * (night % 3));
            var spent = await store.SpentAsync(line, Options.Nights, Cancel);
            rule.Affords(Options.AlphaOfNight, spent).ShouldBeTrue($"night {night}, {spent} spent");
            await store.AddAsync(connection, PromotionJudgement.Without(line, version, version, PromotionJudgement.Kept, "", spent) with { Alpha = Options.AlphaOfNight }, run);
        }

        var whole = await store.SpentAsync(connection, line, Options.Nights);
        whole.ShouldBe(Options.Alpha, 1e-9);
        rule.Affords(Options.AlphaOfNight, whole).ShouldBeFalse();
        rule.Affords(0, whole).ShouldBeTrue();
    }

    private async Task<(long Line, long Version, long Run)> VersionAsync()
    {
        var models = new ModelStore(database.DataSource, TimeProvider.System);
        var audience = await new AudienceStore(database.DataSource, TimeProvider.System).CreateAsync("people", "key", [new("age", "number")], ["click"], cancellationToken: Cancel);
        var line = await models.CreateLineAsync(audience, "line", "pimm", cancellationToken: Cancel);
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);
        var version = await models.AddVersionAsync(connection, line, 1, new StoredModel("{}", "{}", [1]), 10, null, null);
        return (line, version, await new JobQueue(database.DataSource).EnqueueAsync(new JobRequest(PromoteVersion.JobKind, "night", new PromoteRequest(line)), Cancel));
    }

    private sealed class Nights : TimeProvider
    {
        public static readonly DateTimeOffset First = new(2026, 1, 1, 3, 0, 0, TimeSpan.Zero);

        public DateTimeOffset Now { get; set; } = First;

        public override DateTimeOffset GetUtcNow() => Now;
    }
}
