using System.Text.Json;
using Dapper;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Scoring;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

/// <summary>A finished simulated campaign; tests make further ones of its audience.</summary>
public sealed class FinishedCampaign : IAsyncLifetime
{
    public PimmInstance Pimm { get; private set; } = null!;

    public Campaign Campaign { get; private set; } = null!;

    public string Audience { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        Pimm = await PimmInstance.StartAsync();
        Campaign = await Pimm.Service<CampaignStore>().GetAsync(await Pimm.RunDemoAsync(SyntheticCampaign.Small(), CancellationToken.None));
        Audience = (await Pimm.Service<AudienceStore>().GetAsync(Campaign.AudienceId)).Name;
    }

    public ValueTask DisposeAsync() => Pimm.DisposeAsync();
}

/// <summary>A campaign's life from the command line.</summary>
public sealed class CampaignsCommandTests(FinishedCampaign finished) : IClassFixture<FinishedCampaign>
{
    private readonly PimmInstance _pimm = finished.Pimm;
    private readonly Campaign _first = finished.Campaign;
    private readonly string _audience = finished.Audience;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_file_with_every_field_makes_a_campaign_that_show_prints()
    {
        var file = _pimm.Write("campaign.json", $$"""
            {
              "name": "All fields", "audience": "{{_audience}}", "control": "random", "treatment": "truth:good", "startsOn": "2026-03-20", "days": 2,
              "windowDays": 30, "impressionsPerDay": 40, "controlImpressionsPerDay": 40, "timeZone": "Europe/Berlin", "holdbackShare": 0.2, "explorationShare": 0.1, "splitMethod": "best-of",
              "splitCandidates": 50, "splitCovariates": ["control-score", "age"], "trafficShare": 0.8, "layer": "offers", "layerFrom": 0,
              "layerTo": 5000, "contactLimit": 1, "contactDays": 30, "salt": "all fields", "plannedConversions": 80
            }
            """);
        var created = await JsonAsync("campaigns", "create", file, "--json");
        var id = created.GetProperty("id").GetInt64();
        await _pimm.ApproveAsync(id, CancellationToken.None);
        foreach (var verb in (string[])["score", "allocate", "export"])
            await JsonAsync(verb, "--campaign", $"{id}", "--json");

        var shown = await JsonAsync("campaigns", "show", $"{id}", "--json");
        var text = await PimmProcess.RunAsync(_pimm.Database, "campaigns", "show", $"{id}");
        var waves = await JsonAsync("waves", "--campaign", $"{id}", "--json");

        var campaign = shown.GetProperty("campaign");
        (campaign.GetProperty("trafficShare").GetDouble(), campaign.GetProperty("layerTo").GetInt32(), campaign.GetProperty("contactLimit").GetInt32()).ShouldBe((0.8, 5000, 1));
        var steps = shown.GetProperty("exclusions").EnumerateArray().ToDictionary(e => e.GetProperty("step").GetString()!, e => e.GetProperty("customers").GetInt64());
        steps.Keys.ShouldBe(["audience", "traffic", "layer", "consented", "not suppressed", "contact limit", "eligible"]);
        (steps["audience"] > steps["traffic"] && steps["traffic"] > steps["layer"] && steps["layer"] > steps["contact limit"]).ShouldBeTrue();
        shown.GetProperty("allocation").GetProperty("balance").GetProperty("attributes").EnumerateArray().Select(a => a.GetProperty("name").GetString()).ShouldContain("risk");
        text.Output.ShouldContain("Split: best of 50 on control-score, age; 80% of the audience; layer \"offers\" from 0 to 5,000 of 10,000; nobody reached 1 times in 30 days");
        text.Output.ShouldContain("Eligible: audience 6,000 → traffic");
        text.Output.ShouldContain("Balance (standardised differences: a plain hash → this split)");
        var wave = waves.GetProperty("waves")[0];
        (wave.GetProperty("requested").GetInt32(), wave.GetProperty("exported").GetInt32(), wave.GetProperty("fillRate").GetDouble()).ShouldBe((40, 40, 1.0));
        wave.GetProperty("treatment").GetProperty("file").GetString()!.ShouldMatch("^aud_[0-9a-f]{8}_b_20260320[.]csv$");
        wave.GetProperty("control").GetProperty("overlap").GetDouble().ShouldBeInRange(0, 1);
        (await PimmProcess.RunAsync(_pimm.Database, "waves", "--campaign", $"{id}")).Output.ShouldContain("2026-03-20  treatment         40        40    100%");
    }

    [Theory]
    [InlineData("\"contactLimits\": 3", "describes no campaign (look at \"contactLimits\")")]
    [InlineData("\"treatmentImpressionsPerDay\": 50", "The arms' impressions a day differ (40 in the control, 50 in the treatment, 40 asked for)")]
    [InlineData("\"splitCovariates\": [\"device\"]", "The split covariate \"device\" is a text attribute of the audience")]
    [InlineData("\"splitCovariates\": [\"shoe\"]", "The split covariate \"shoe\" is no attribute of the audience")]
    [InlineData("\"trafficShare\": 1.5", "Traffic share is 1.5: it must be above 0 and at most 1.")]
    [InlineData("\"layer\": \"offers\"", "The layer \"offers\" has no range: give layerFrom and layerTo")]
    [InlineData("\"contactDays\": 7", "Contact limit and contact days belong together")]
    [InlineData("\"timeZone\": null", "describes no campaign (look at \"timeZone\")")]
    [InlineData("\"name\": null", "describes no campaign (look at \"name\")")]
    [InlineData("\"guardrails\": [null]", "has a null among its guardrails")]
    [InlineData("\"guardrails\": [{\"metric\": null, \"margin\": 0.1}]", "describes no campaign (look at \"guardrails[0].metric\")")]
    [InlineData("\"segments\": [\"age\", null]", "has a null among its segments")]
    [InlineData("\"treatmentSettings\": {\"ignore\": null}", "has a null among its treatmentSettings")]
    public async Task Wrong_fields_are_exit_code_2_and_make_nothing(string field, string sentence)
    {
        var file = _pimm.Write("wrong.json", $$"""
            { "name": "Wrong", "audience": "{{_audience}}", "control": "random", "treatment": "pimm", "startsOn": "2026-03-20", "days": 2, "windowDays": 30, "impressionsPerDay": 40, {{field}} }
            """);

        var ran = await PimmProcess.RunAsync(_pimm.Database, "campaigns", "create", file);

        (ran.ExitCode, ran.Output).ShouldBe((2, ""));
        ran.Error.ShouldContain(sentence);
        (await _pimm.Service<CampaignStore>().FindByNameAsync("Wrong", Cancel)).ShouldBeNull();
    }

    [Fact]
    public async Task The_count_of_a_file_is_that_of_the_campaign_it_makes_and_a_wrong_filter_is_named()
    {
        string File(string name, string filter) => _pimm.Write($"{name}.json", $$"""
            {
              "name": "{{name}}", "audience": "{{_audience}}", "control": "random", "treatment": "truth:good", "startsOn": "2026-09-20", "days": 2,
              "windowDays": 30, "impressionsPerDay": 40, "filter": {{filter}}
            }
            """);
        var file = File("Counted", """[{"attribute": "age", "operator": "between", "values": ["30", "45"]}]""");

        var before = await JsonAsync("campaigns", "count", file, "--json");
        var id = (await JsonAsync("campaigns", "create", file, "--json")).GetProperty("id").GetInt64();
        var after = await JsonAsync("campaigns", "count", $"{id}", "--json");
        var text = await PimmProcess.RunAsync(_pimm.Database, "campaigns", "count", $"{id}");
        var wrong = await PimmProcess.RunAsync(_pimm.Database, "campaigns", "count", File("Wrong", """[{"attribute": "shoe", "operator": "is", "values": ["42"]}]"""));

        var steps = before.GetProperty("steps").EnumerateArray().Select(step => (Name: step.GetProperty("step").GetString(), Customers: step.GetProperty("customers").GetInt64())).ToList();
        steps[0].ShouldBe(("audience", 6_000));
        steps[1].Name.ShouldBe("filter");
        steps[^1].Customers.ShouldBeInRange(300, 5_700);
        after.GetProperty("steps").GetRawText().ShouldBe(before.GetProperty("steps").GetRawText());
        text.Output.ShouldContain($"eligible {steps[^1].Customers,22:N0}");
        wrong.ExitCode.ShouldBe(2);
        wrong.Error.ShouldStartWith($"\"shoe\" is no attribute of the audience \"{_audience}\": filter by ");
    }

    [Fact]
    public async Task A_copy_starts_again_under_a_new_salt_and_an_old_one_is_refused()
    {
        var copied = await JsonAsync("campaigns", "copy", $"{_first.Id}", "--name", "Again", "--starts-on", "2026-06-01", "--json");
        var reused = await PimmProcess.RunAsync(_pimm.Database, "campaigns", "copy", $"{_first.Id}", "--name", "Third", "--starts-on", "2026-06-01", "--salt", _first.Salt);
        var used = await PimmProcess.RunAsync(_pimm.Database, "campaigns", "copy", $"{_first.Id}", "--name", "Third", "--starts-on", "2026-06-01", "--salt", "Again/2026-06-01");
        var named = await PimmProcess.RunAsync(_pimm.Database, "campaigns", "copy", $"{_first.Id}", "--name", "Again", "--starts-on", "2026-06-02");
        var dated = await PimmProcess.RunAsync(_pimm.Database, "campaigns", "copy", $"{_first.Id}", "--name", "Third", "--starts-on", "June");
        var absent = await PimmProcess.RunAsync(_pimm.Database, "campaigns", "copy", "987654", "--name", "Third", "--starts-on", "2026-06-01");

        var copy = await _pimm.Service<CampaignStore>().GetAsync(copied.GetProperty("id").GetInt64(), Cancel);
        (copy.CopyOf, copy.Salt, copy.StartsOn, copy.ImpressionsPerDay).ShouldBe((_first.Id, "Again/2026-06-01", new DateOnly(2026, 6, 1), _first.ImpressionsPerDay));
        (reused.ExitCode, reused.Error).ShouldBe((2, $"The salt \"{_first.Salt}\" is that of campaign \"{_first.Name}\": a restart needs one of its own, or the arms carry over what they saw before.\n"));
        (used.ExitCode, used.Error).ShouldBe((2, "The salt \"Again/2026-06-01\" was used by a campaign before: choose a new one, or the new arms carry over what the old ones saw.\n"));
        (named.ExitCode, named.Error).ShouldBe((2, "There is a campaign named \"Again\" already: choose another name.\n"));
        (dated.ExitCode, dated.Error).ShouldBe((2, "--starts-on is \"June\": write the day as 2026-12-01.\n"));
        (absent.ExitCode, absent.Error).ShouldBe((2, "There is no campaign 987654: `pimm campaigns list` shows those there are.\n"));
    }

    [Fact]
    public async Task Two_processes_that_allocate_at_once_make_one_split_and_one_wave()
    {
        var id = (await JsonAsync("campaigns", "copy", $"{_first.Id}", "--name", "Race", "--starts-on", "2026-07-01", "--json")).GetProperty("id").GetInt64();
        await JsonAsync("score", "--campaign", $"{id}", "--json");
        await _pimm.ApproveAsync(id, CancellationToken.None);

        var ran = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => PimmProcess.RunAsync(_pimm.Database, "allocate", "--campaign", $"{id}", "--date", "2026-07-01")));

        ran.Select(r => r.ExitCode).Order().ShouldBe([0, 2]);
        ran.Single(r => r.ExitCode == 2).Error.ShouldMatch("Another run selected the wave of 2026-07-01 meanwhile|has a wave on 2026-07-01 already");
        var allocations = _pimm.Service<Core.Allocating.AllocationStore>();
        (await allocations.WavesAsync(id, Cancel)).ShouldHaveSingleItem();
        var scoring = (await _pimm.Service<ScoringStore>().NewestAsync(id, Cancel))!;
        (await allocations.AssignmentsAsync(id, Cancel)).Count.ShouldBe((int)scoring.Customers);
    }

    [Fact]
    public async Task Lift_draws_the_split_again_when_it_is_asked_to()
    {
        var report = await JsonAsync("lift", "--campaign", $"{_first.Id}", "--randomisation-test", "--json");
        var text = await PimmProcess.RunAsync(_pimm.Database, "lift", "--campaign", $"{_first.Id}", "--randomisation-test", "1999");
        var few = await PimmProcess.RunAsync(_pimm.Database, "lift", "--campaign", $"{_first.Id}", "--randomisation-test", "500");
        var without = await JsonAsync("lift", "--campaign", $"{_first.Id}", "--json");

        var test = report.GetProperty("randomisationTest");
        (test.GetProperty("draws").GetInt32(), test.GetProperty("p").GetDouble() * 1000).ShouldBe((999, Math.Round(test.GetProperty("p").GetDouble() * 1000)));
        test.GetProperty("p").GetDouble().ShouldBeInRange(0.001, 1);
        // The same customers and conversions as the report's.
        var (sequential, eligible) = (report.GetProperty("sequential"), report.GetProperty("funnel")[0]);
        test.GetProperty("statistic").GetDouble().ShouldBe(
            (sequential.GetProperty("treatmentConversions").GetDouble() / eligible.GetProperty("treatment").GetDouble())
            - (sequential.GetProperty("controlConversions").GetDouble() / eligible.GetProperty("control").GetDouble()), 1e-12);
        text.Output.ShouldContain("of 1,999 splits drawn again.");
        (few.ExitCode, few.Output, few.Error).ShouldBe((2, "", "--randomisation-test is \"500\": give a number of draws from 999 to 1,000,000.\n"));
        without.TryGetProperty("randomisationTest", out _).ShouldBeFalse();
    }

    [Fact]
    public async Task The_randomisation_test_counts_neither_late_outcomes_nor_customers_in_both_arms()
    {
        // In a database of its own: one wave of three was published, so that its window closes before the campaign does.
        await using var pimm = await PimmInstance.StartAsync();
        var id = await pimm.RunDemoAsync(SyntheticCampaign.Small(), Cancel);
        await using (var owner = await pimm.Database.Owner.OpenConnectionAsync(Cancel))
        {
            await owner.ExecuteAsync(
                """
                delete from wave_plan where wave_date > '2026-03-02'; delete from delivery where wave_date > '2026-03-02'; delete from funnel_label;
                delete from export where wave_date > '2026-03-02'; delete from wave where wave_date > '2026-03-02';
                insert into customer_outcome(customer, audience_id, occurred_at, source, event_id)
                select a.customer, c.audience_id, timestamptz '2026-04-02 12:00+00', 'late', a.customer::text from assignment a join campaign c on c.id = a.campaign_id where a.arm = 1;
                insert into campaign(name, audience_id, control_line_id, treatment_line_id, time_zone, starts_on, days, window_days, impressions_per_day,
                                     holdback_share, exploration_share, split_method, split_candidates, salt, created_by, created_at)
                select 'other', audience_id, control_line_id, treatment_line_id, time_zone, starts_on, days, window_days, 10, 0.1, 0, 'plain', 1, 'other', 'me', created_at from campaign;
                insert into wave(campaign_id, wave_date, scoring_id, impressions, exploration, impressions_at, published_at)
                select (select max(id) from campaign), wave_date, scoring_id, 10, 0, impressions_at, published_at from wave;
                insert into assignment(customer, campaign_id, arm, flagged)
                select customer, (select max(id) from campaign), 1 - arm, false from (
                    select distinct a.customer, a.arm from wave_plan p join assignment a using (customer) where p.action = 1 order by a.customer limit 20) c;
                insert into wave_plan(customer, campaign_id, wave_date, policy, arm, action, exploration, rank)
                select customer, campaign_id, date '2026-03-02', 0, arm, 1, false, 1 from assignment where campaign_id = (select max(id) from campaign);
                """);
        }

        var ran = await PimmProcess.RunAsync(pimm.Database, "lift", "--campaign", $"{id}", "--randomisation-test", "--json");

        ran.ExitCode.ShouldBe(0, ran.Error);
        var report = JsonDocument.Parse(ran.Output).RootElement;
        var (sequential, eligible) = (report.GetProperty("sequential"), report.GetProperty("funnel")[0]);
        (eligible.GetProperty("control").GetDouble() + eligible.GetProperty("treatment").GetDouble()).ShouldBe(5_980);
        report.GetProperty("randomisationTest").GetProperty("statistic").GetDouble().ShouldBe(
            (sequential.GetProperty("treatmentConversions").GetDouble() / eligible.GetProperty("treatment").GetDouble())
            - (sequential.GetProperty("controlConversions").GetDouble() / eligible.GetProperty("control").GetDouble()), 1e-12);
    }

    [Fact]
    public async Task Waves_of_a_campaign_without_any_say_what_to_do()
    {
        var id = (await JsonAsync("campaigns", "copy", $"{_first.Id}", "--name", "Idle", "--starts-on", "2026-08-01", "--json")).GetProperty("id").GetInt64();

        (await PimmProcess.RunAsync(_pimm.Database, "waves", "--campaign", $"{id}")).Output.ShouldBe($"Idle has no wave yet: pimm allocate --campaign {id} selects the first one.\n");
        var missing = await PimmProcess.RunAsync(_pimm.Database, "waves", "--campaign", "987654");
        missing.ExitCode.ShouldBe(2);
    }

    private async Task<JsonElement> JsonAsync(params string[] arguments)
    {
        var ran = await PimmProcess.RunAsync(_pimm.Database, arguments);
        ran.ExitCode.ShouldBe(0, ran.Error);
        return JsonDocument.Parse(ran.Output).RootElement;
    }
}
