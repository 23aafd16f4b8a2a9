using System.CommandLine;
using System.Globalization;
using Pimm.Core;
using Pimm.Core.Auditing;
using Pimm.Core.Importing;
using Pimm.Core.Outcomes;

namespace Pimm.Jobs.CommandLine;

/// <summary>Events over HTTP that were put aside: why, and once more.</summary>
public static class OutcomesCommand
{
    private static readonly Option<string?> Source = new("--source") { Description = "only this source's: the name of the key they came with" };
    private static readonly Option<string?> Code = new("--code") { Description = "only those with this code, for example too_late" };
    private static readonly Option<long?> Campaign = new("--campaign") { Description = "only those that name this campaign" };

    public static Command Create() => new("outcomes", "events over HTTP that were put aside") { Problems(), Replay() };

    private static Command Problems()
    {
        var limit = new Option<int>("--limit") { Description = "how many, the oldest first, 1 to 10000", DefaultValueFactory = _ => 50 };
        return new Command("problems", "what was put aside, and why") { Source, Code, Campaign, limit, Invocation.JsonOption }.Does(async (call, cancellationToken) =>
        {
            var most = call.Arguments.GetValue(limit);
            if (most is < 1 or > 10_000)
                throw new InputException($"--limit is {most}: choose 1 to 10,000.");
            var store = call.Service<OutcomeProblemStore>();
            var counts = await store.CountsAsync(Filter(call), cancellationToken);
            var problems = await store.ListAsync(Filter(call), most, cancellationToken);
            call.Print(new { Counts = counts, Problems = problems }, lines =>
            {
                foreach (var count in counts)
                    lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count.Events,10:N0}  {count.Code}  from {count.Source}"));
                foreach (var problem in problems)
                    lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{problem.ReceivedAt:yyyy-MM-dd HH:mm:ss}  {problem.EventId}  {problem.Code}: {problem.Message}"));
                if (problems.Count == 0)
                    lines.WriteLine("No problems.");
            });
            return ExitCode.Done;
        });
    }

    private static Command Replay()
    {
        var order = new Option<string>("--order") { Description = "reject or cascade-up: a later stage without the one before it", DefaultValueFactory = _ => "reject" };
        var audience = new Option<string?>("--audience") { Description = "name of the audience of outcomes that named neither a campaign nor an audience" };
        return new Command("replay", "tries what was put aside again; what is counted now is no problem any more") { Source, Code, Campaign, order, audience, Invocation.JsonOption }
            .Does(async (call, cancellationToken) =>
            {
                var name = call.Arguments.GetValue(audience);
                var home = name is null ? null
                    : await call.Service<AudienceStore>().FindByNameAsync(name, cancellationToken) ?? throw new InputException($"There is no audience \"{name}\": check the name.");
                var answer = await call.Service<ReplayOutcomes>().RunAsync(AuditActor.CommandLine, Filter(call), FunnelOrders.Parse(call.Arguments.GetRequiredValue(order)), home, cancellationToken);
                call.Print(answer, lines => lines.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{answer.Received:N0} tried: {answer.Accepted:N0} counted now, {answer.Duplicate:N0} counted before, {answer.Quarantined:N0} still put aside.")));
                return ExitCode.Done;
            });
    }

    private static OutcomeProblemFilter Filter(Invocation call) =>
        new(call.Arguments.GetValue(Source), call.Arguments.GetValue(Code), call.Arguments.GetValue(Campaign));
}
