using Dapper;
using Pimm.Core.Campaigns;
using Pimm.Core.Lift;
using Pimm.Core.Outcomes;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Outcomes;

/// <summary>What counts, when something else of the same id, person, audience or campaign does not.</summary>
public sealed class CountedOutcomesTests(OutcomeRequests requests) : IClassFixture<OutcomeRequests>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private OutcomeWorld World => requests.World;

    [Fact]
    public async Task A_bad_twin_in_the_same_batch_takes_no_good_event_along()
    {
        string ahead = $",\"occurred_at\":\"{TimeProvider.System.GetUtcNow().AddHours(1):O}\"", unreadable = World.Outcome("t", 30, 1).Replace("outcome", "bought", StringComparison.Ordinal);

        var answer = await requests.SendAsync([World.Outcome("t", 30, 1, ahead), World.Outcome("t", 999, 1), unreadable, World.Outcome("t", 30, 1), World.Outcome("t", 30, 1)], "twins");

        (answer with { Errors = [] }).ShouldBe(new BatchAnswer(5, 1, 4, 0, 0, 0, []));
        answer.Errors.ShouldBeEmpty();
        (await requests.OneAsync<double>("select amount from customer_outcome where source = 'twins'")).ShouldBe(1);
        (await requests.OneAsync<long>("select count(*) from outcome_problem where source = 'twins'")).ShouldBe(0);
    }

    [Fact]
    public async Task A_counted_event_that_is_sent_again_changed_is_a_duplicate_and_refuses_no_atomic_batch()
    {
        await requests.SendAsync([World.Outcome("d", 31, 1)], "changed");
        string[] again = [World.Outcome("d", 31, 1).Replace("outcome", "bought", StringComparison.Ordinal), World.Outcome("e", 31, 2)];

        var taken = await requests.AskAsync(again, "changed", atomic: true);

        taken.State.ShouldBe(RequestState.Done);
        (taken.Answer! with { Errors = [] }).ShouldBe(new BatchAnswer(2, 1, 1, 0, 0, 0, []));
        (await requests.OneAsync<long>("select count(*) from outcome_problem where source = 'changed'")).ShouldBe(0);
    }

    [Fact]
    public async Task Nothing_is_kept_of_an_erased_person_whatever_is_wrong_with_the_event()
    {
        await requests.QueryAsync<int>($"insert into erasure(customer, requested_by, requested_at) values ('{OutcomeWorld.CustomerOf(32)}', 'user:ada', now())");

        var answer = await requests.SendAsync([World.Outcome("g", 32, 1).Replace("outcome", "bought", StringComparison.Ordinal), World.Outcome("h", 33, 1).Replace("outcome", "bought", StringComparison.Ordinal)], "erased");

        answer.Quarantined.ShouldBe(2);
        (await requests.QueryAsync<(string, Guid)>("select event_id, customer from outcome_problem where source = 'erased'")).ShouldBe([("h", OutcomeWorld.CustomerOf(33))]);
    }

    [Fact]
    public async Task An_audience_has_the_currency_that_its_first_outcome_named()
    {
        var market = await requests.CreateAsync("market", OutcomeRequests.Today.AddDays(-3));

        var first = await requests.SendAsync([market.Outcome("f1", 1, 1), market.Outcome("f2", 999, 1, ",\"currency\":\"JPY\""), market.Outcome("f3", 2, 10, ",\"currency\":\"EUR\""), market.Outcome("f4", 3, 10, ",\"currency\":\"USD\"")], "currencies");
        var second = await requests.SendAsync([market.Outcome("f5", 2, 9, ",\"corrects\":\"f3\",\"currency\":\"USD\""), market.Outcome("f6", 2, 8, ",\"corrects\":\"f3\",\"currency\":\"EUR\"")], "currencies");

        first.Errors.Select(error => (error.Index, error.Code)).ShouldBe([(1, "unknown_customer"), (3, "other_currency")]);
        second.Errors.Select(error => (error.Index, error.Code)).ShouldBe([(0, "other_currency")]);
        (await requests.QueryAsync<double>("select amount from customer_outcome where source = 'currencies' order by event_id")).ShouldBe([1, 8]);
    }

    [Fact]
    public async Task A_wrong_currency_is_put_right_when_no_amount_in_it_counts_any_more()
    {
        var (market, currencies) = (await requests.CreateAsync("corrected", OutcomeRequests.Today.AddDays(-3)), requests.Pimm.Service<AudienceCurrencies>());
        await requests.SendAsync([market.Outcome("w1", 1, 10, ",\"currency\":\"USD\""), market.Outcome("w2", 2, 20, ",\"currency\":\"EUR\""), market.Outcome("w3", 3, 30)], "wrong currency");

        (await Should.ThrowAsync<Core.InputException>(() => currencies.SetAsync(market.Audience, "EUR", "cli:ada", Cancel))).Message.ShouldStartWith($"1 amounts in USD count for audience {market.Audience} ");
        (await Should.ThrowAsync<Core.InputException>(() => currencies.SetAsync(market.Audience, "euro", "cli:ada", Cancel))).Message.ShouldContain("three capital letters");
        (await Should.ThrowAsync<Core.InputException>(() => currencies.SetAsync(999_999, "EUR", "cli:ada", Cancel))).Message.ShouldStartWith("There is no audience 999999");
        await requests.SendAsync([market.Outcome("w4", 1, null, ",\"corrects\":\"w1\",\"void\":true")], "wrong currency");
        (await currencies.SetAsync(market.Audience, "EUR", "cli:ada", Cancel)).ShouldBe(new CorrectedCurrency("USD", "EUR", 1));
        (await requests.ReplayAsync()).Accepted.ShouldBeGreaterThanOrEqualTo(1);

        (await requests.QueryAsync<double>("select amount from customer_outcome where source = 'wrong currency' and not voided order by event_id")).ShouldBe([20, 30]);
        (await Should.ThrowAsync<Core.InputException>(() => currencies.SetAsync(market.Audience, "USD", "cli:ada", Cancel))).Message.ShouldStartWith("1 amounts in EUR count");
        (await currencies.ListAsync(Cancel)).Single(audience => audience.Id == market.Audience).Currency.ShouldBe("EUR");
        (await requests.QueryAsync<(string, string, string)>("select actor, before::text, after::text from audit_event where action = 'audience.currency'"))
            .ShouldBe([("cli:ada", """{"currency": "USD"}""", """{"unnamed": 1, "currency": "EUR"}""")]);
    }

    [Fact]
    public async Task A_currency_is_not_corrected_while_a_batch_that_names_it_is_being_counted()
    {
        var market = await requests.CreateAsync("held", OutcomeRequests.Today.AddDays(-3));
        await requests.SendAsync([market.Outcome("h1", 1, 10, ",\"currency\":\"USD\"")], "held");
        await using var connection = await requests.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        await using var transaction = await connection.BeginTransactionAsync(Cancel);
        await connection.ExecuteAsync("select from audience where id = @Audience for no key update", new { market.Audience });

        var sending = requests.SendAsync([market.Outcome("h2", 2, 20, ",\"currency\":\"USD\"")], "held");
        for (var i = 0; i < 200 && await requests.OneAsync<long>("select count(*) from pg_locks where not granted") == 0; i++)
            await Task.Delay(20, Cancel);
        sending.IsCompleted.ShouldBeFalse();
        await connection.ExecuteAsync("update audience set currency = 'EUR' where id = @Audience", new { market.Audience });
        await transaction.CommitAsync(Cancel);

        (await sending).Errors.ShouldHaveSingleItem().Code.ShouldBe("other_currency");
    }

    [Fact]
    public async Task A_campaigns_stage_counts_batches_and_no_file_that_was_undone()
    {
        var campaign = await requests.CreateAsync("staged", OutcomeRequests.Today.AddDays(-3));
        await requests.QueryAsync<int>(
            $"""
            insert into import_file(audience_id, kind, file_name, sha256, received, created, updated, skipped, quarantined, imported_at, undone_at, undone_by)
            values ({campaign.Audience}, 'outcomes', 'undone.csv', sha256('undone'), 9, 9, 0, 0, 0, now(), now(), 'user:ada')
            """);
        (await OutcomesDoneAsync(campaign)).ShouldBe((false, new LiftIntake(0, 0), false));

        await requests.SendAsync([campaign.Delivered("j", 1)], "staging");

        (await OutcomesDoneAsync(campaign)).ShouldBe((true, new LiftIntake(1, 1), true));
    }

    [Fact]
    public async Task What_another_event_has_put_right_since_counts_in_the_night_and_the_rest_is_not_tried()
    {
        await requests.SendAsync([World.Label("w2", 34, 2), World.Outcome("wc", 34, 5, ",\"corrects\":\"wo\""), World.Outcome("wx", 999, 1)], "waiting");
        await requests.SendAsync([World.Label("w1", 34, 1), World.Outcome("wo", 34, 50)], "waiting");

        var night = await requests.Pimm.Service<ReplayOutcomes>().RunPassingAsync("run:1", Cancel);

        (night.Received, night.Accepted).ShouldBe((2, 2));
        (await requests.QueryAsync<(string, int)>("select event_id, tries from outcome_problem where source = 'waiting'")).ShouldBe([("wx", 1)]);
    }

    private async Task<(bool Done, LiftIntake Intake, bool Received)> OutcomesDoneAsync(OutcomeWorld world)
    {
        var campaign = await requests.Pimm.Service<CampaignStore>().GetAsync(world.Campaign, Cancel);
        var outcomes = requests.Pimm.Service<CampaignOutcomeStore>();
        var back = await outcomes.OfCampaignAsync(campaign, campaign.ClosesAt, campaign.ClosesAt, Cancel);
        return (await requests.OneAsync<bool>($"select done_at is not null from campaign_stage where campaign_id = {world.Campaign} and stage = 'Outcomes'"),
            await outcomes.IntakeAsync(world.Audience, Cancel), back.Received is not null);
    }
}
