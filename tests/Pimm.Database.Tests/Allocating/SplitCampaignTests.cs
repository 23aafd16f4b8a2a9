using Dapper;
using Npgsql;
using Pimm.Core;
using Pimm.Core.Allocating;
using Pimm.Core.Campaigns;
using Pimm.Core.Lift;
using Pimm.Core.Queueing;
using Pimm.Core.Scoring;
using Pimm.Database.Tests.KnownLift;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Allocating;

/// <summary>Splits of further campaigns on the small campaign's audience and models.</summary>
public sealed class SplitCampaignTests(SmallCampaign world) : IClassFixture<SmallCampaign>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private AllocationStore Allocations => world.Pimm.Service<AllocationStore>();

    private ScoringStore Scorings => world.Pimm.Service<ScoringStore>();

    [Theory]
    [InlineData("best-of")]
    [InlineData("blocks")]
    public async Task Covariates_that_are_attributes_are_balanced_and_the_lift_stage_gets_the_same_arms_again(string method)
    {
        var campaign = await ScoredAsync(world.Campaign with { Name = $"age {method}", Salt = $"age {method}", SplitMethod = method, SplitCovariates = ["age", "treatment-score"] });

        await SucceedAsync(AllocateWave.JobKind, campaign);
        await SucceedAsync(MeasureLift.JobKind, campaign);

        var allocation = (await Allocations.FindAsync(campaign.Id, Cancel))!;
        var balance = SplitBalance.FromJson(allocation.Balance);
        balance.Covariates.ShouldBe(["age", "treatment-score"]);
        if (method == "best-of")
        {
            balance.Imbalance!.Value.ShouldBeLessThan(balance.ImbalanceBefore!.Value);
        }
        else
        {
            Math.Abs(allocation.ControlCustomers - allocation.TreatmentCustomers).ShouldBeLessThanOrEqualTo(CampaignSplit.Strata);
        }
        var scoring = (await Scorings.FindAsync(allocation.ScoringId, Cancel))!;
        var scores = await Scorings.ScoresAsync(scoring.Id, Cancel);
        var again = await world.Pimm.Service<CampaignSplitter>().RedrawAsync(campaign, allocation.Winner, scoring, scores, Cancel);
        again.ShouldBe(await Allocations.AssignmentsAsync(campaign.Id, Cancel));
        var measured = await world.Pimm.Service<CampaignReader>().ReadAsync(campaign.Id, TimeProvider.System.GetUtcNow(), Cancel);
        measured.ArmsChanged.ShouldBe(0);
    }

    [Fact]
    public async Task The_balance_has_both_scores_every_number_and_every_common_level_and_agrees_with_the_rows()
    {
        var campaign = await ScoredAsync(world.Campaign with { Name = "balance", Salt = "balance", SplitCovariates = ["age"] });
        await SucceedAsync(AllocateWave.JobKind, campaign);

        var attributes = SplitBalance.FromJson((await Allocations.FindAsync(campaign.Id, Cancel))!.Balance).Attributes!;

        attributes.Take(2).Select(a => a.Name).ShouldBe(["control-score", "treatment-score"]);
        attributes.Where(a => a.Level is null).Select(a => a.Name).Skip(2).ShouldBe(world.Audience.Attributes.Where(a => a.IsNumber).Select(a => a.Name));
        foreach (var text in world.Audience.Attributes.Where(a => !a.IsNumber))
        {
            var levels = attributes.Where(a => a.Name == text.Name).ToList();
            levels.Count.ShouldBeInRange(1, 12);
            levels.ShouldAllBe(l => l.Share >= 0.01);
            levels.Select(l => l.Share).ShouldBe(levels.Select(l => l.Share).OrderDescending());
        }
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        var age = await connection.ExecuteScalarAsync<double>(
            $"""
            select (avg(c.age) filter (where a.arm = 1) - avg(c.age) filter (where a.arm = 0))
                   / sqrt((var_samp(c.age) filter (where a.arm = 1) + var_samp(c.age) filter (where a.arm = 0)) / 2)
              from assignment a join {world.Audience.CustomersTable} c on c.customer = a.customer and c.version = 1 where a.campaign_id = @Id
            """, new { campaign.Id });
        attributes.Single(a => a.Name == "age").After!.Value.ShouldBe(age, 1e-9);
        var device = attributes.First(a => a.Name == "device");
        var (control, treatment) = await connection.QuerySingleAsync<(double, double)>(
            $"""
            select avg((c.device = @Level)::int) filter (where a.arm = 0)::double precision, avg((c.device = @Level)::int) filter (where a.arm = 1)::double precision
              from assignment a join {world.Audience.CustomersTable} c on c.customer = a.customer and c.version = 1 where a.campaign_id = @Id
            """, new { campaign.Id, device.Level });
        device.After!.Value.ShouldBe((treatment - control) / Math.Sqrt(((control * (1 - control)) + (treatment * (1 - treatment))) / 2), 1e-9);
    }

    [Theory]
    [InlineData("shoe_size", "The split covariate \"shoe_size\" is no attribute of the audience")]
    [InlineData("device", "The split covariate \"device\" is a text attribute of the audience")]
    public async Task A_covariate_that_the_audience_cannot_give_is_refused(string covariate, string sentence)
    {
        var campaign = await ScoredAsync(world.Campaign with { Name = covariate, Salt = covariate, SplitCovariates = [covariate] });

        var run = await world.Pimm.RunAsync(new JobRequest(AllocateWave.JobKind, covariate, new { }, campaign.Id), Cancel);

        run.State.ShouldBe(JobStates.Failed);
        run.Error!.ShouldStartWith(sentence);
        (await Allocations.FindAsync(campaign.Id, Cancel)).ShouldBeNull();
    }

    [Fact]
    public async Task Of_two_workers_that_split_and_select_at_once_one_writes_and_the_other_is_refused_whole()
    {
        var campaign = await ScoredAsync(world.Campaign with { Name = "two workers", Salt = "two workers" });
        var scoring = (await Scorings.NewestAsync(campaign.Id, Cancel))!;
        var scores = await Scorings.ScoresAsync(scoring.Id, Cancel);
        var run = (await world.Pimm.Service<JobQueue>().ListAsync(campaign.Id, limit: 1, cancellationToken: Cancel))[0].Id;

        var ended = await Task.WhenAll(Enumerable.Range(0, 4).Select(worker => Task.Run(() => SplitAsync(campaign, scoring, scores, run, threads: worker + 1))));

        ended.Count(refusal => refusal is null).ShouldBe(1);
        ended.Where(refusal => refusal is not null).ShouldAllBe(refusal => refusal == $"Another run selected the wave of {campaign.StartsOn:yyyy-MM-dd} meanwhile: ask for the next one again.");
        (await Allocations.AssignmentsAsync(campaign.Id, Cancel)).ShouldBe(CampaignSplit.Draw(campaign, scoring.Id, scores).Assignments);
        (await Allocations.WavesAsync(campaign.Id, Cancel)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_second_split_is_ignored_when_it_is_the_same_and_refused_when_it_is_another()
    {
        var campaign = await ScoredAsync(world.Campaign with { Name = "second split", Salt = "second split" });
        var scoring = (await Scorings.NewestAsync(campaign.Id, Cancel))!;
        var split = CampaignSplit.Draw(campaign, scoring.Id, await Scorings.ScoresAsync(scoring.Id, Cancel));
        var run = (await world.Pimm.Service<JobQueue>().ListAsync(campaign.Id, limit: 1, cancellationToken: Cancel))[0].Id;
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);

        (await Allocations.AddSplitAsync(connection, split.Allocation, split.Assignments, run, Cancel)).ShouldBeTrue();
        (await Allocations.AddSplitAsync(connection, split.Allocation, split.Assignments, run, Cancel)).ShouldBeFalse();
        await SucceedAsync(ScoreCampaign.JobKind, campaign, "again");
        var other = split.Allocation with { ScoringId = (await Scorings.NewestAsync(campaign.Id, Cancel))!.Id };
        (await Should.ThrowAsync<InputException>(() => Allocations.AddSplitAsync(connection, other, split.Assignments, run, Cancel)))
            .Message.ShouldStartWith($"Another run split the campaign's customers meanwhile, out of scoring {scoring.Id} instead of {other.ScoringId}");

        // The wave that follows uses the split that is there, not the newer scores.
        await SucceedAsync(AllocateWave.JobKind, campaign);
        (await Allocations.WavesAsync(campaign.Id, Cancel)).ShouldHaveSingleItem().ScoringId.ShouldBe(scoring.Id);
    }

    [Fact]
    public async Task A_draft_that_changed_since_it_was_scored_is_not_split_before_it_is_scored_again()
    {
        var campaign = await ScoredAsync(world.Campaign with { Name = "changed draft", Salt = "changed draft" });
        await ChangeAsync("update campaign set impressions_per_day = impressions_per_day - 1, traffic_share = 0.8 where id = @Id");

        var unapproved = await world.Pimm.RunAsync(new JobRequest(AllocateWave.JobKind, "unapproved", new { }, campaign.Id), Cancel);
        await world.Pimm.ApproveAsync(campaign.Id, Cancel);
        var refused = await world.Pimm.RunAsync(new JobRequest(AllocateWave.JobKind, "changed", new { }, campaign.Id), Cancel);
        await SucceedAsync(ScoreCampaign.JobKind, campaign, "anew");
        // What only the waves need was not scored.
        await ChangeAsync("update campaign set impressions_per_day = impressions_per_day + 1, starts_on = starts_on + 1 where id = @Id");
        await world.Pimm.ApproveAsync(campaign.Id, Cancel);
        await SucceedAsync(AllocateWave.JobKind, campaign, "anew");

        unapproved.Error.ShouldBe("Campaign \"changed draft\" is not what was approved (its definition has another hash): submit it again.");
        refused.Error.ShouldBe("Campaign \"changed draft\" was changed since it was scored: score it again, then ask for the wave.");
        var customers = (await Allocations.FindAsync(campaign.Id, Cancel))!;
        (customers.ControlCustomers + customers.TreatmentCustomers).ShouldBe((await Scorings.NewestAsync(campaign.Id, Cancel))!.Customers);

        async Task ChangeAsync(string sql)
        {
            await using var connection = await world.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
            await connection.ExecuteAsync(sql, new { campaign.Id });
        }
    }

    [Fact]
    public async Task A_draft_that_is_changed_while_it_is_being_split_is_not_split()
    {
        var id = (await ScoredAsync(world.Campaign with { Name = "changed meanwhile", Salt = "changed meanwhile" })).Id;
        var read = await world.Pimm.Service<CampaignStore>().GetAsync(id, Cancel);
        await using var connection = await world.Pimm.Database.Owner.OpenConnectionAsync(Cancel);
        await CampaignStore.HoldAsync(connection, read);
        await connection.ExecuteAsync("update campaign set contact_limit = 3, contact_days = 7 where id = @Id", new { read.Id });

        (await Should.ThrowAsync<InputException>(() => CampaignStore.HoldAsync(connection, read))).Message.ShouldBe("Campaign \"changed meanwhile\" was changed meanwhile: ask for the wave again.");
    }

    [Theory]
    [InlineData("update assignment set flagged = not flagged", "assignments are never changed")]
    [InlineData("update allocation set winner = 0", "assignments are never changed")]
    [InlineData("update campaign set salt = 'other' where id = (select min(campaign_id) from allocation)", "its definition is never changed")]
    [InlineData("update campaign set holdback_share = 0.2 where id = (select min(campaign_id) from allocation)", "its definition is never changed")]
    [InlineData("update campaign set split_covariates = '{age}' where id = (select min(campaign_id) from allocation)", "its definition is never changed")]
    public async Task After_the_split_nobody_changes_what_decided_it(string sql, string sentence)
    {
        await using var connection = await world.Pimm.Database.Owner.OpenConnectionAsync(Cancel);

        (await Should.ThrowAsync<PostgresException>(() => connection.ExecuteAsync(sql))).MessageText.ShouldContain(sentence);
    }

    [Theory]
    [InlineData("delete from assignment")]
    [InlineData("delete from allocation")]
    [InlineData("update assignment set arm = 1 - arm")]
    public async Task The_product_itself_has_no_right_to_take_a_split_back(string sql)
    {
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);

        (await Should.ThrowAsync<PostgresException>(() => connection.ExecuteAsync(sql))).SqlState.ShouldBe(PostgresErrorCodes.InsufficientPrivilege);
    }

    [Fact]
    public async Task A_wave_with_unequal_quotas_is_refused()
    {
        var campaign = await ScoredAsync(world.Campaign with { Name = "unequal", Salt = "unequal" });
        var scoring = (await Scorings.NewestAsync(campaign.Id, Cancel))!;
        var scores = await Scorings.ScoresAsync(scoring.Id, Cancel);
        var split = CampaignSplit.Draw(campaign, scoring.Id, scores);
        var (wave, rows) = CampaignWaves.Select(campaign, scoring.Id, campaign.StartsOn, scores, split.Assignments, []);
        var dropped = rows.First(r => r is { Arm: 1, Policy: 1, Action: 1 });
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);

        var refused = await Should.ThrowAsync<InputException>(() => Allocations.AddWaveAsync(connection, wave, [.. rows.Where(r => r != dropped)], null, 1, Cancel));

        refused.Message.ShouldBe($"The wave of {wave.WaveDate:yyyy-MM-dd} exports 60 control and 59 treatment customers where each arm gets 60: the arms are only comparable at equal impressions, so nothing was saved.");
    }

    [Fact]
    public async Task Waves_are_counted_as_their_plans_say()
    {
        var figures = await world.Pimm.Service<WaveFigureStore>().OfCampaignAsync(world.Campaign, Cancel);
        var plans = await Allocations.PlansAsync(world.Campaign.Id, Cancel);

        figures.Count.ShouldBe(world.Campaign.Days);
        foreach (var wave in figures)
        {
            foreach (var arm in (WaveArmFigures[])[wave.Control, wave.Treatment])
            {
                var mine = plans.Where(p => p.WaveDate == wave.Wave.WaveDate && p.Arm == arm.Arm).ToList();
                var exported = mine.Where(p => p.Policy == p.Arm && p.Action == 1).Select(p => p.Customer).ToHashSet();
                var shadow = mine.Where(p => p.Policy != p.Arm && p.Action == 1).Select(p => p.Customer).ToHashSet();
                (arm.Exported, arm.HeldBack).ShouldBe((exported.Count, mine.Count(p => p.Policy == p.Arm && p.Action == 2)));
                arm.Overlap.ShouldBe(exported.Count(shadow.Contains) / (double)exported.Count);
                arm.Propensity.ShouldBe(mine.First(p => p.Exploration).Propensity);
            }
            wave.FillRate.ShouldBe(1);
        }
    }

    private async Task<string?> SplitAsync(Campaign campaign, ScoringRun scoring, IReadOnlyList<CustomerScore> scores, long run, int threads)
    {
        var split = CampaignSplit.Draw(campaign, scoring.Id, scores, threads: threads);
        var (wave, rows) = CampaignWaves.Select(campaign, scoring.Id, campaign.StartsOn, scores, split.Assignments, []);
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        try
        {
            await Allocations.AddSplitAsync(connection, split.Allocation, split.Assignments, run, Cancel);
            await Allocations.AddWaveAsync(connection, wave, rows, null, run, Cancel);
            await transaction.CommitAsync(Cancel);
            return null;
        }
        catch (InputException refused)
        {
            return refused.Message;
        }
    }

    private async Task<Campaign> ScoredAsync(Campaign campaign)
    {
        campaign = campaign with { Id = await world.Pimm.Service<CampaignStore>().CreateAsync(campaign, Cancel) };
        await world.Pimm.ApproveAsync(campaign.Id, Cancel);
        await SucceedAsync(ScoreCampaign.JobKind, campaign);
        return campaign;
    }

    private async Task SucceedAsync(string kind, Campaign campaign, string key = "")
    {
        var run = await world.Pimm.RunAsync(new JobRequest(kind, $"{campaign.Name} {key}", new { }, campaign.Id), Cancel);
        run.State.ShouldBe(JobStates.Succeeded, run.Error);
    }
}
