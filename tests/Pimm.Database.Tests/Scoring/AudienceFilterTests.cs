using System.Globalization;
using Dapper;
using Pimm.Core;
using Pimm.Core.Campaigns;
using Pimm.Core.Importing;
using Pimm.Core.Scoring;
using Pimm.Core.Statistics;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Scoring;

public sealed class AudienceFilterTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private const int Rows = 400;

    private sealed record Person(Guid Customer, double? Age, string? City);

    private static readonly string?[] Cities = ["Kiel", "Bremen", "kiel", "O'Hara; drop table campaign", "北京", "", null];

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static readonly Campaign Like = new(
        0, "filtered", 0, 0, 1, "UTC", new DateOnly(2026, 3, 2), 3, 7, 10, 0.1, 0.05, "plain", 1, "filtered", "tests", DateTimeOffset.UnixEpoch);

    [Fact]
    public async Task Whoever_the_database_lets_through_is_whom_the_definition_describes()
    {
        var (audience, people) = await AudienceAsync("property");
        var counter = new EligibilityCounter(database.DataSource, new AudienceStore(database.DataSource, TimeProvider.System));
        var chance = new RandomStream(29, "filters");
        var sizes = new HashSet<long>();
        for (var trial = 0; trial < 250; trial++)
        {
            FilterCondition[] filter = [.. Enumerable.Range(0, 1 + chance.NextInt(3)).Select(_ => Any(chance))];
            var expected = people.Where(person => filter.All(condition => Meets(person, condition))).Select(person => person.Customer).ToHashSet();

            var campaign = Like with { AudienceId = audience.Id, Filter = FilterCondition.ToJson(filter) };
            var found = await counter.CountAsync(campaign, null, Cancel);

            found.Steps.Single(step => step.Step == "filter").Customers.ShouldBe(expected.Count, string.Join("; ", filter.Select(condition => condition.ToString())));
            found.Eligible.ShouldBe(expected.Count);
            sizes.Add(expected.Count);
            if (trial % 25 == 0)
            {
                (await counter.SampleAsync(campaign, Rows, Cancel)).Select(sampled => sampled.Customer).ToHashSet().SetEquals(expected).ShouldBeTrue();
            }
        }

        sizes.Count.ShouldBeGreaterThan(20);
    }

    [Fact]
    public async Task One_customer_is_told_by_which_step_it_is_left_out()
    {
        var (audience, people) = await AudienceAsync("asked");
        var counter = new EligibilityCounter(database.DataSource, new AudienceStore(database.DataSource, TimeProvider.System));
        var campaign = Like with { AudienceId = audience.Id, Filter = FilterCondition.ToJson([new("city", FilterCondition.Is, ["Kiel"])]) };
        var (inside, outside) = (people.ToList().FindIndex(person => person.City == "Kiel"), people.ToList().FindIndex(person => person.City == "Bremen"));

        (await counter.AskAsync(campaign, Key("asked", inside), Cancel)).ShouldBe(new EligibilityAnswer(true, null));
        (await counter.AskAsync(campaign, Key("asked", outside), Cancel)).ShouldBe(new EligibilityAnswer(true, "filter"));
        (await counter.AskAsync(campaign with { Filter = null, ConsentPurpose = "ads" }, Key("asked", inside), Cancel)).ShouldBe(new EligibilityAnswer(true, "consented"));
        (await counter.AskAsync(campaign, "nobody", Cancel)).ShouldBe(new EligibilityAnswer(false, null));
    }

    [Theory]
    [InlineData("age", "is", "old", "\"old\" is no number, and \"age\" holds numbers: write it as 30 or 2.5.")]
    [InlineData("age", "between", "9|3", "The filter on \"age\" is between 9 and 3, which nobody is: give the smaller number first.")]
    [InlineData("city", "at-least", "K", "\"city\" holds texts, which have no order: filter it by is, is-not, one-of, missing, not-missing instead of at-least.")]
    [InlineData("ag\" or true --", "is", "1", "\"ag\" or true --\" is no attribute of the audience \"wrong\": filter by age, city, gender.")]
    [InlineData("age", "near", "1", "The operator \"near\" of the filter on \"age\" is unknown: choose is, is-not, one-of, at-least, at-most, between, missing or not-missing.")]
    [InlineData("age", "between", "1", "The filter \"age between\" has 1 values: give 2.")]
    public void A_filter_that_cannot_be_meant_is_refused(string attribute, string comparison, string values, string sentence) =>
        Should.Throw<InputException>(() => new AudienceFilter([new(attribute, comparison, values.Split('|'))], Audience("wrong"))).Message.ShouldBe(sentence);

    [Fact]
    public void A_protected_attribute_needs_a_reason()
    {
        var campaign = Like with { Filter = FilterCondition.ToJson([new("gender", FilterCondition.Is, ["f"])]) };

        Should.Throw<InputException>(() => AudienceFilter.Check(campaign, Audience("a"))).Message.ShouldStartWith("\"gender\" is a protected attribute");
        AudienceFilter.Check(campaign with { FilterReason = "a product that only women can buy" }, Audience("a"));
    }

    [Fact]
    public void Campaigns_without_a_filter_keep_their_definitions()
    {
        Like.ScoredDefinition().ShouldNotContain("Filter");
        (Like with { Filter = FilterCondition.ToJson([new("age", FilterCondition.Is, ["1"])]) }).ScoredDefinition().ShouldNotBe(Like.ScoredDefinition());
        var file = new CampaignFile("n", "a", "random", "pimm", new DateOnly(2026, 3, 2), 1, 1, 1);
        file.ToJson().ShouldNotContain("filter");
        CampaignFile.Parse((file with { Filter = [new("age", FilterCondition.Between, ["1", "2"])] }).ToJson(), "It").Filter!.Single().ToString().ShouldBe("age between 1 and 2");
    }

    private static Audience Audience(string name) => new(
        1, name, "id", """[{"name":"age","kind":"number"},{"name":"city","kind":"text"},{"name":"gender","kind":"text","role":"protected"}]""", ["click"], false, default);

    private static string Key(string name, int row) => string.Create(CultureInfo.InvariantCulture, $"{name}-{row}");

    private async Task<(Audience Audience, IReadOnlyList<Person> People)> AudienceAsync(string name)
    {
        var store = new AudienceStore(database.DataSource, TimeProvider.System);
        var id = await store.CreateAsync(name, "id", [new("age", "number"), new("city", "text")], ["click"], cancellationToken: Cancel);
        var chance = new RandomStream(7, name);
        List<Person> people = [.. Enumerable.Range(0, Rows).Select(row => new Person(
            CustomerHash.Of(Key(name, row)), chance.NextInt(6) == 0 ? null : chance.NextInt(12) / 2.0, Cities[chance.NextInt(Cities.Length)]))];
        await using var connection = await database.Owner.OpenConnectionAsync(Cancel);
        await connection.ExecuteAsync($"insert into audience.customers_{id} (customer, version, customer_key, age, city) values (@Customer, 1, '', @Age, @City)", people);
        await connection.ExecuteAsync($"""
            insert into import_file(audience_id, kind, file_name, sha256, received, created, updated, skipped, quarantined, imported_at)
            values ({id}, 'customers', '{name}', sha256('{name}'), {Rows}, {Rows}, 0, 0, 0, now());
            insert into audience_version(audience_id, version, import_file_id, customers, created_at)
            select {id}, 1, max(id), {Rows}, now() from import_file where audience_id = {id}
            """);
        return (await store.GetAsync(id, Cancel), people);
    }

    private static FilterCondition Any(RandomStream chance)
    {
        var number = chance.NextInt(2) == 0;
        string Value() => number ? (chance.NextInt(14) / 2.0).ToString(CultureInfo.InvariantCulture) : Cities[chance.NextInt(5)]!;
        var operators = number ? FilterCondition.Operators : FilterCondition.OperatorsOfText;
        var chosen = operators[chance.NextInt(operators.Count)];
        string[]? values = chosen switch
        {
            FilterCondition.Missing or FilterCondition.NotMissing => null,
            FilterCondition.OneOf => [Value(), Value(), Value()],
            FilterCondition.Between => [.. new[] { Value(), Value() }.OrderBy(value => double.Parse(value, CultureInfo.InvariantCulture))],
            _ => [Value()],
        };
        return new FilterCondition(number ? "age" : "city", chosen, values);
    }

    // The meaning in plain words: a missing value is no value, so it is only "missing" and "is-not".
    private static bool Meets(Person person, FilterCondition condition)
    {
        object? own = condition.Attribute == "age" ? person.Age : person.City;
        object Of(string text) => condition.Attribute == "age" ? double.Parse(text, CultureInfo.InvariantCulture) : text;
        return condition.Operator switch
        {
            FilterCondition.Missing => own is null,
            FilterCondition.NotMissing => own is not null,
            FilterCondition.IsNot => !Equals(own, Of(condition.Given[0])),
            FilterCondition.Is or FilterCondition.OneOf => condition.Given.Any(value => Equals(own, Of(value))),
            FilterCondition.AtLeast => own is double age && age >= (double)Of(condition.Given[0]),
            FilterCondition.AtMost => own is double age && age <= (double)Of(condition.Given[0]),
            _ => own is double age && age >= (double)Of(condition.Given[0]) && age <= (double)Of(condition.Given[1]),
        };
    }
}
