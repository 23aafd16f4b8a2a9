using System.CommandLine;
using Pimm.Core;
using Pimm.Core.Identifying;

namespace Pimm.Jobs.CommandLine;

/// <summary>Options by which a verb is told of one person. "-" reads the value from stdin, where no list of processes and no shell's history shows it.</summary>
internal static class PersonArguments
{
    public static readonly Option<string?> Email = new("--email") { Description = "the person's e-mail address; - reads it from stdin" };
    public static readonly Option<string?> Phone = new("--phone") { Description = "the person's phone number with its country's code; - reads it from stdin" };
    public static readonly Option<string?> CustomerRef = new("--customer-ref") { Description = "the customer's key, as in the imported files; - reads it from stdin" };
    public static readonly Option<string?> Country = new("--default-country") { Description = "of phone numbers without a country's code, for example DE" };

    /// <returns>customer, email or phone, and the value</returns>
    /// <exception cref="InputException">nobody is named, or somebody twice</exception>
    public static (string Kind, string Value) One(Invocation call)
    {
        (string Kind, string? Value)[] named = [("customer", Value(call, CustomerRef)), ("email", Value(call, Email)), ("phone", Value(call, Phone))];
        return named.Where(one => one.Value is not null).ToList() is [var (kind, value)] ? (kind, value!)
            : throw new InputException("Name the person once: give --email, --phone or --customer-ref.");
    }

    public static string? Value(Invocation call, Option<string?> option) => call.Arguments.GetValue(option) switch
    {
        "-" => Console.In.ReadLine() ?? throw new InputException($"{option.Name} is - and stdin is empty: write the value there."),
        var value => value,
    };

    /// <exception cref="InputException">no country with phone numbers</exception>
    public static string? CountryOf(Invocation call) => call.Arguments.GetValue(Country) switch
    {
        { } country when !Canonical.HasPhones(country) => throw new InputException($"{Country.Name} is \"{country}\": give the two letters of ISO 3166, as DE or US."),
        var country => country,
    };

    /// <summary>Why a value cannot be used; without the value, which may be an address.</summary>
    public static string Unusable(string kind) => kind switch
    {
        "email" => "The e-mail address cannot be used: write it as name@example.com; a hash of it cannot be compared with the keyed hashes that are kept here.",
        "phone" => "The phone number cannot be used: write it with its country's code, as +49 170 1234567, or give --default-country.",
        _ => "The customer's key cannot be used: it has 1 to 200 of the letters A to Z, digits and . _ : -",
    };
}
