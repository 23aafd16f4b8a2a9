using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Jobs.Tests;

public sealed class AudiencesCommandTests
{
    [Fact]
    public async Task An_audience_is_listed_with_its_currency_which_can_be_put_right()
    {
        await using var database = await TestDatabase.MigratedAsync();
        var world = await OutcomeWorld.CreateAsync(database.DataSource, "shop", 20, 10, new DateOnly(2026, 3, 2));

        var set = await PimmProcess.RunAsync(database, "audiences", "currency", $"{world.Audience}", "EUR");
        var again = await PimmProcess.RunAsync(database, "audiences", "currency", $"{world.Audience}", "EUR");
        var wrong = await PimmProcess.RunAsync(database, "audiences", "currency", $"{world.Audience}", "eur");
        var listed = await PimmProcess.RunAsync(database, "audiences", "list");

        set.ExitCode.ShouldBe(0, set.Error);
        set.Output.ShouldStartWith($"Amounts of audience {world.Audience} are in EUR from now on.\n");
        again.Output.ShouldBe($"Amounts of audience {world.Audience} are in EUR already.\n");
        (wrong.ExitCode, wrong.Error).ShouldBe((2, "\"eur\" is no currency's code: write three capital letters, as EUR.\n"));
        listed.Output.ShouldBe($"{world.Audience,4}  EUR  shop\n");
    }
}
