using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Pimm.Core;
using Pimm.Core.Auditing;
using Pimm.Core.Erasing;
using Pimm.Core.Queueing;

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
        var run = await StageRun.RunAsync(call, await requests.RequestAsync(customer, asked, AuditActor.CommandLine, cancellationToken), cancellationToken);
        return new ErasedPerson(customer, run.Id, JsonDocument.Parse(run.Result!).RootElement.GetProperty("counts"));
    }

    private static void Show(IEnumerable<ErasedPerson> erased, TextWriter lines)
    {
        foreach (var person in erased)
        {
            lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Customer {person.Customer} is erased (run {person.Run})."));
            foreach (var store in person.Counts.EnumerateObject())
                lines.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{store.Value.GetInt64(),10:N0}  {store.Name}"));
        }
        lines.WriteLine("Backups keep what they have until they are removed: docs/privacy.md says when.");
    }

    /// <param name="Counts">rows and files by store</param>
    private sealed record ErasedPerson(Guid Customer, long Run, JsonElement Counts);
}
