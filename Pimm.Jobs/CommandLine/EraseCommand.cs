using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Pimm.Core;
using Pimm.Core.Auditing;
using Pimm.Core.Erasing;
using Pimm.Core.Queueing;
using Pimm.Core.Suppressing;

namespace Pimm.Jobs.CommandLine;

public static class EraseCommand
{
    public static Command Create()
    {
        var yes = new Option<bool>("--yes") { Description = "do it; there is no way back" };
        return new Command("erase", "erases a person: identifiers, keys, traces in files and texts; arms and outcomes stay under a pseudonym")
        {
            PersonArguments.CustomerRef, PersonArguments.Email, PersonArguments.Phone, PersonArguments.Country, yes, Invocation.JsonOption,
        }.Does(async (call, cancellationToken) =>
        {
            var asked = new ErasureAsked(
                PersonArguments.Value(call, PersonArguments.CustomerRef), PersonArguments.Value(call, PersonArguments.Email),
                PersonArguments.Value(call, PersonArguments.Phone), PersonArguments.CountryOf(call));
            var requests = call.Service<ErasureRequests>();
            var customers = await requests.FindAsync(asked, cancellationToken);
            if (!call.Arguments.GetValue(yes))
            {
                var sharing = await requests.SharingAsync(customers, cancellationToken);
                var others = sharing.Count == 0 ? "" : $" {(sharing.Count == 1 ? "Customer" : $"{sharing.Count} customers")} {string.Join(", ", sharing)} with the same address or number would never be contacted again either.";
                var unknown = asked.CustomerRef is not null && !await requests.IsKnownAsync(customers[0], cancellationToken)
                    ? " No audience has a customer of this key: check it; traces are looked for all the same." : "";
                throw new InputException($"This would erase {(customers.Count == 1 ? "customer" : $"{customers.Count} customers who share the address:")} {string.Join(", ", customers)}, for ever.{others}{unknown} Nothing was erased: give --yes.");
            }
            var erased = new List<ErasedPerson>();
            foreach (var customer in customers)
                erased.Add(await EraseAsync(call, requests, customer, asked, cancellationToken));
            call.Print(new { erased }, lines => Show(erased, lines));
            return ExitCode.Done;
        });
    }

    private static async Task<ErasedPerson> EraseAsync(Invocation call, ErasureRequests requests, Guid customer, ErasureAsked asked, CancellationToken cancellationToken)
    {
        var before = await call.Service<ErasureStore>().FindAsync(customer, cancellationToken);
        var run = await StageRun.RunAsync(call, await requests.RequestAsync(customer, asked, AuditActor.CommandLine, cancellationToken), cancellationToken);
        var counts = Counts(JsonDocument.Parse(run.Result!).RootElement.GetProperty("counts").GetRawText());
        return before is { FinishedAt: { } at } && Counts(before.Counts) is var then
            ? new ErasedPerson(customer, run.Id, counts.ToDictionary(store => store.Key, store => store.Value - then.GetValueOrDefault(store.Key)), new ErasedBefore(at, then))
            : new ErasedPerson(customer, run.Id, counts, null);
    }

    private static Dictionary<string, long> Counts(string json) => JsonSerializer.Deserialize<Dictionary<string, long>>(json)!;

    private static void Show(IEnumerable<ErasedPerson> erased, TextWriter lines)
    {
        foreach (var person in erased)
        {
            if (person.Before is not { } before)
            {
                lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Customer {person.Customer} is erased (run {person.Run})."));
                Show(person.Counts, lines);
                continue;
            }
            lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Customer {person.Customer} was erased already, on {before.FinishedAt.UtcDateTime:yyyy-MM-dd HH:mm} UTC:"));
            Show(before.Counts, lines);
            var since = person.Counts.Where(store => store.Value > 0).ToDictionary();
            lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Looked again (run {person.Run}): {(since.Count == 0 ? "nothing has come since." : "this has come since, and is erased:")}"));
            Show(since, lines);
        }
        lines.WriteLine("Backups keep what they have until they are removed: docs/privacy.md says when.");
    }

    private static void Show(IReadOnlyDictionary<string, long> counts, TextWriter lines)
    {
        foreach (var (store, count) in counts)
            lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{count,10:N0}  {store}"));
    }

    /// <param name="Counts">rows and files by store, of this run alone</param>
    /// <param name="Before">null: the person had not been erased</param>
    private sealed record ErasedPerson(Guid Customer, long Run, IReadOnlyDictionary<string, long> Counts, ErasedBefore? Before);

    /// <param name="Counts">of all runs before</param>
    private sealed record ErasedBefore(DateTimeOffset FinishedAt, IReadOnlyDictionary<string, long> Counts);
}
