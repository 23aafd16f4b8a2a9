using Dapper;
using Pimm.Core.Suppressing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Suppressing;

public sealed class ConsentTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private static readonly DateTimeOffset Noon = new(2026, 5, 4, 12, 0, 0, TimeSpan.Zero);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private ConsentStore Store => new(database.DataSource);

    [Theory]
    [InlineData("meta +0", true)]
    [InlineData("all +0", true)]
    [InlineData("tiktok +0", false)]
    [InlineData("", false)]
    [InlineData("meta +0, meta -1", false)]
    [InlineData("meta -1, meta +0", false)]     // an older grant that is told later
    [InlineData("meta -0, meta +0", false)]     // at the same time the withdrawal
    [InlineData("meta +0, meta -0", false)]
    [InlineData("meta -0, meta +1", true)]
    [InlineData("all +0, meta -0", false)]
    [InlineData("all +1, meta -0", false)]      // one channel was taken back by name: only by name it comes again
    [InlineData("all +0, tiktok -1", true)]
    [InlineData("meta +0, all -1", false)]
    [InlineData("meta +1, all -0", true)]
    [InlineData("meta +1, all -1", false)]
    public async Task What_rules_is_the_newest_by_time_and_of_two_at_once_the_withdrawal(string told, bool consented)
    {
        var customer = Guid.NewGuid();
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);
        foreach (var one in told.Split(", ", StringSplitOptions.RemoveEmptyEntries))
        {
            var parts = one.Split(' ');
            await Store.RecordAsync(connection, [new ConsentRecord(customer, "offers", parts[0], parts[1][0] == '+', Noon.AddHours(parts[1][1] - '0'), "form")]);
        }

        (await connection.ExecuteScalarAsync<bool>($"select {SuppressionGate.Sql("@customer", "'meta'", "'offers'")}", new { customer })).ShouldBe(consented);
        (await connection.ExecuteScalarAsync<bool>($"select {SuppressionGate.Sql("@customer", "'meta'", "'loans'")}", new { customer })).ShouldBeFalse();
        (await connection.ExecuteScalarAsync<bool>($"select {SuppressionGate.Sql("@customer", "'meta'", "null::text")}", new { customer })).ShouldBeTrue();
    }

    [Fact]
    public async Task Everything_told_is_kept_once_and_what_has_no_effect_is_counted()
    {
        var customer = Guid.NewGuid();
        ConsentRecord Of(bool granted, int hour) => new(customer, "offers", "all", granted, Noon.AddHours(hour), "form");
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);

        (await Store.RecordAsync(connection, [Of(true, 1), Of(false, 2), Of(true, 2)])).ShouldBe(2);
        (await Store.RecordAsync(connection, [Of(true, 1), Of(false, 2)])).ShouldBe(1);
        (await Store.RecordAsync(connection, [Of(true, 3)])).ShouldBe(0);

        (await connection.ExecuteScalarAsync<long>("select count(*) from consent where customer = @customer", new { customer })).ShouldBe(4);
        (await Store.OfAsync(customer, Cancel)).ShouldBe([new ConsentState(customer, "offers", "all", true, Noon.AddHours(3), "form")]);
    }

    [Theory]
    [InlineData("update consent set granted = true")]
    [InlineData("delete from consent")]
    [InlineData("update suppression set lifted = true")]
    [InlineData("delete from suppression")]
    public async Task The_application_takes_nothing_back(string statement)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync(Cancel);

        (await Should.ThrowAsync<Npgsql.PostgresException>(() => connection.ExecuteAsync(statement))).SqlState.ShouldBe("42501");
    }
}
