using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Pimm.Core;
using Pimm.Core.Allocating;
using Pimm.Core.Lift;
using Pimm.Core.Scoring;

namespace Pimm.Jobs.CommandLine;

/// <summary>`lift --randomisation-test [B]`: customer outcomes against arms that are drawn again, the whole split each time.</summary>
internal sealed record LiftRandomisationTest(RandomisationResult Result)
{
    public static readonly Option<string?> Draws = new("--randomisation-test")
    {
        Description = "also draws the whole split again B times (default 999) and compares", Arity = ArgumentArity.ZeroOrOne, HelpName = "B",
    };

    /// <summary>How many draws were asked for; null where the option was not given.</summary>
    public static int? DrawsOf(Invocation call)
    {
        if (call.Arguments.GetResult(Draws) is null)
        {
            return null;
        }
        return call.Arguments.GetValue(Draws) switch
        {
            null => RandomisationTest.FewestDraws,
            var text when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var draws)
                && draws is >= RandomisationTest.FewestDraws and <= RandomisationTest.MostDraws => draws,
            var text => throw new InputException(string.Create(CultureInfo.InvariantCulture,
                $"--randomisation-test is \"{text}\": give a number of draws from {RandomisationTest.FewestDraws} to {RandomisationTest.MostDraws:N0}.")),
        };
    }

    public string Sentence => string.Create(CultureInfo.InvariantCulture,
        $"Randomisation test: difference of mean outcomes {Result.Statistic:+0.000000;-0.000000;0.000000}, standard deviation over splits {Result.StandardDeviation:0.000000}, p = {Result.P:0.####} of {Result.Draws:N0} splits drawn again.");

    /// <param name="at">the instant of the report that this stands beside: the same customers and outcomes count</param>
    public static async Task<LiftRandomisationTest> RunAsync(Invocation call, long campaignId, int draws, DateTimeOffset at, CancellationToken cancellationToken)
    {
        var (measured, input) = await call.Service<LiftInputReader>().ReadAsync(campaignId, at, cancellationToken);
        if (!input.HasCustomerOutcomes)
        {
            throw new InputException("The audience has no feed of customer outcomes: a randomisation test needs outcomes of reached and unreached customers alike.");
        }
        var scorings = call.Service<ScoringStore>();
        var scoring = (await scorings.FindAsync(measured.Allocation.ScoringId, cancellationToken))!;
        var scores = await scorings.ScoresAsync(scoring.Id, cancellationToken);
        var design = await call.Service<CampaignSplitter>().DesignAsync(measured.Campaign, scoring, scores, cancellationToken);
        if (measured.Customers.Count < scores.Count)
        {
            design = design.Of(PlacesOf(measured.Customers, scores));
        }
        Arm[] arms = [.. input.Customers.Select(c => c.Arm)];
        return new LiftRandomisationTest(RandomisationTest.Run(
            LiftReporter.Conversions(input), arms, design, measured.Campaign.SaltFor("randomisation-test"), draws,
            progress: call.Error == Console.Error && !Console.IsErrorRedirected ? done => Tell(call.Error, done) : null, cancellationToken: cancellationToken));
    }

    /// <summary>Where the measured customers stand among all the scored; both are in the order of the customers.</summary>
    private static int[] PlacesOf(IReadOnlyList<CampaignCustomer> measured, IReadOnlyList<CustomerScore> scores)
    {
        var places = new int[measured.Count];
        var place = 0;
        for (var i = 0; i < places.Length; i++, place++)
        {
            while (scores[place].Customer != measured[i].Customer)
            {
                place++;
            }
            places[i] = place;
        }
        return places;
    }

    private static void Tell(TextWriter terminal, int done) =>
        terminal.Write(string.Create(CultureInfo.InvariantCulture, $"\r\u001b[2K{done:N0} splits drawn again"));

    /// <summary>The report's JSON with the test's result in it.</summary>
    public static string Beside(string report, LiftRandomisationTest? test)
    {
        if (test is null)
        {
            return report;
        }
        var document = JsonNode.Parse(report)!;
        document["randomisationTest"] = JsonSerializer.SerializeToNode(test.Result, Invocation.JsonFormat);
        return document.ToJsonString(Invocation.JsonFormat);
    }
}
