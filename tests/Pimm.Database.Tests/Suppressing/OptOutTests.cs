using Dapper;
using Pimm.Core;
using Pimm.Core.Identifying;
using Pimm.Core.Statistics;
using Pimm.Core.Suppressing;
using Pimm.Testing;
using Shouldly;
using Xunit;

namespace Pimm.Database.Tests.Suppressing;

public sealed class OptOutTests(OptOutTests.World world) : IClassFixture<OptOutTests.World>
{
    public sealed class World : IAsyncLifetime
    {
        public PimmInstance Pimm { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Pimm = await PimmInstance.StartAsync();

        public ValueTask DisposeAsync() => Pimm.DisposeAsync();
    }

    private static readonly DateTimeOffset Then = new(2026, 5, 4, 12, 0, 0, TimeSpan.Zero);

    private static readonly OptOut Letter = new(null, SuppressionEntry.DoNotContact, "letter", "cli:ada");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private OptOuts OptOuts => world.Pimm.Service<OptOuts>();

    [Fact]
    public async Task An_address_withholds_whoever_has_it_however_it_is_written()
    {
        var (one, two, other) = (CustomerHash.Of("K-1"), CustomerHash.Of("K-2"), CustomerHash.Of("K-3"));
        await SaveAsync(new(one, IdentifierKind.Email, "anna@example.com", Then), new(two, IdentifierKind.Phone, "+491701234567", Then), new(other, IdentifierKind.Email, "otto@example.com", Then));

        (await OptOuts.AddAsync(Letter, "email", [" Anna@Example.com", "anna@example.com"], null, Cancel)).ShouldBe(new OptOutCounts(2, 1, 1, 0, 0));
        (await OptOuts.AddAsync(Letter, "phone", ["0170 123 45 67"], "DE", Cancel)).Added.ShouldBe(1);

        (await WithheldAsync(one), await WithheldAsync(two), await WithheldAsync(other)).ShouldBe((true, true, false));
    }

    [Fact]
    public async Task An_opt_out_comes_before_the_customer_and_survives_another_address()
    {
        var customer = CustomerHash.Of("K-10");
        await OptOuts.AddAsync(Letter, "email", ["early@example.com"], null, Cancel);
        await SaveAsync(new CustomerIdentifier(customer, IdentifierKind.Email, "early@example.com", Then));
        (await WithheldAsync(customer)).ShouldBeTrue();

        var changed = CustomerHash.Of("K-11");
        await SaveAsync(new CustomerIdentifier(changed, IdentifierKind.Email, "old@example.com", Then));
        await OptOuts.AddAsync(Letter, "email", ["old@example.com"], null, Cancel);
        await SaveAsync(new CustomerIdentifier(changed, IdentifierKind.Email, "new@example.com", Then.AddDays(1)));

        (await WithheldAsync(changed)).ShouldBeTrue();
    }

    [Fact]
    public async Task A_channel_s_opt_out_withholds_from_that_channel_only_and_is_no_objection()
    {
        var customer = CustomerHash.Of("K-20");
        await OptOuts.AddAsync(Letter with { Channel = "meta" }, "customer", ["K-20"], null, Cancel);

        (await WithheldAsync(customer, "meta"), await WithheldAsync(customer, "tiktok"), await ObjectsAsync(customer)).ShouldBe((true, false, false));
        await OptOuts.AddAsync(Letter, "customer", ["K-20"], null, Cancel);
        (await WithheldAsync(customer, "tiktok"), await ObjectsAsync(customer)).ShouldBe((true, false));
        await OptOuts.AddAsync(Letter with { Reason = SuppressionEntry.Objection }, "customer", ["K-20"], null, Cancel);
        (await ObjectsAsync(customer)).ShouldBeTrue();
    }

    [Fact]
    public async Task Lifting_takes_back_what_it_names_for_the_address_and_its_customers_and_leaves_a_row()
    {
        const string Lifted = "select count(*) from audit_event where action = 'suppress.lift' and object_id like 'email:%'";
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        var before = await connection.ExecuteScalarAsync<long>(Lifted);
        var customer = CustomerHash.Of("K-30");
        await SaveAsync(new CustomerIdentifier(customer, IdentifierKind.Email, "back@example.com", Then));
        await OptOuts.AddAsync(Letter, "email", ["back@example.com"], null, Cancel);
        await OptOuts.AddAsync(Letter with { Reason = SuppressionEntry.Objection }, "customer", ["K-30"], null, Cancel);
        var key = (await OptOuts.KeyOfAsync("email", "back@example.com", null, Cancel))!;

        (await OptOuts.LiftAsync(Letter with { Source = "asked for it" }, key, Cancel)).ShouldBe(2);
        (await OptOuts.CheckAsync(key, Cancel)).Select(one => one.Reason).ShouldBe([SuppressionEntry.Objection]);
        (await OptOuts.LiftAsync(Letter with { Reason = SuppressionEntry.Objection, Source = "asked for it" }, key, Cancel)).ShouldBe(0);
        (await OptOuts.LiftAsync(Letter with { Reason = SuppressionEntry.Objection, Source = "asked for it" }, SuppressionKey.Of(customer), Cancel)).ShouldBe(1);
        (await WithheldAsync(customer)).ShouldBeFalse();
        (await OptOuts.LiftAsync(Letter, key, Cancel)).ShouldBe(0);

        await OptOuts.AddAsync(Letter, "email", ["back@example.com"], null, Cancel);
        (await WithheldAsync(customer)).ShouldBeTrue();
        (await connection.ExecuteScalarAsync<long>("select count(*) from suppression where lifted and source = 'asked for it'")).ShouldBe(3);
        (await connection.ExecuteScalarAsync<long>(Lifted) - before).ShouldBe(1);
    }

    [Fact]
    public async Task Who_is_seen_with_an_address_that_opted_out_stays_withheld_under_the_next_one()
    {
        var customer = CustomerHash.Of("K-40");
        await OptOuts.AddAsync(Letter, "email", ["first@example.com"], null, Cancel);
        await SaveAsync(new CustomerIdentifier(customer, IdentifierKind.Email, "first@example.com", Then));
        await SaveAsync(new CustomerIdentifier(customer, IdentifierKind.Email, "second@example.com", Then.AddDays(1)));

        (await WithheldAsync(customer)).ShouldBeTrue();

        // The address's owner of then is released with it.
        (await OptOuts.LiftAsync(Letter, (await OptOuts.KeyOfAsync("email", "first@example.com", null, Cancel))!, Cancel)).ShouldBe(2);
        (await WithheldAsync(customer)).ShouldBeFalse();
    }

    [Fact]
    public async Task Lifting_an_address_leaves_what_its_owners_said_themselves()
    {
        var (one, two) = (CustomerHash.Of("K-50"), CustomerHash.Of("K-51"));
        await SaveAsync(new(one, IdentifierKind.Phone, "+4930123450", Then), new(two, IdentifierKind.Phone, "+4930123450", Then));
        await OptOuts.AddAsync(Letter, "customer", ["K-50"], null, Cancel);
        await OptOuts.AddAsync(Letter, "phone", ["+4930123450"], null, Cancel);

        (await OptOuts.LiftAsync(Letter, (await OptOuts.KeyOfAsync("phone", "+4930123450", null, Cancel))!, Cancel)).ShouldBe(3);

        (await WithheldAsync(one), await WithheldAsync(two)).ShouldBe((true, false));
        (await OptOuts.LiftAsync(Letter, SuppressionKey.Of(one), Cancel)).ShouldBe(1);
        (await WithheldAsync(one)).ShouldBeFalse();
    }

    [Fact]
    public async Task A_source_keeps_no_address_and_does_not_stand_in_the_audit()
    {
        await OptOuts.AddAsync(Letter with { Source = "mail of rosa.luchs@example.com, 0170 / 123 45 67, 2026-05-03" }, "customer", ["K-60"], null, Cancel);

        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        var source = await connection.QuerySingleAsync<string>("select source from suppression where customer = @customer", new { customer = CustomerHash.Of("K-60") });
        source.ShouldBe("mail of r•••@e•••.com, 017••••• 67, 2026-05-03");
        (await connection.ExecuteScalarAsync<string>("select string_agg(e::text, '') from audit_event e"))!.ShouldNotContain("mail of");
    }

    [Fact]
    public async Task Keys_that_no_customer_can_have_are_counted_as_unusable() =>
        (await OptOuts.AddAsync(Letter, "customer", ["K-70", "rosa@example.com", "Rosa Luchs", ""], null, Cancel)).ShouldBe(new OptOutCounts(4, 1, 0, 3, 0));

    [Fact]
    public async Task Rows_that_cannot_be_used_are_counted_and_plain_hashes_among_them()
    {
        var hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData("test@gmail.com"u8));

        var counts = await OptOuts.AddAsync(Letter, "email", ["a@example.com", "", hash, "nobody", "A@example.com"], null, Cancel);

        counts.ShouldBe(new OptOutCounts(Received: 5, Added: 1, Known: 1, Unusable: 3, Hashed: 1));
    }

    [Theory]
    [InlineData("erased", null, "letter", "The reason \"erased\" is unknown")]
    [InlineData("objection", "meta", "letter", "An objection is to the use of the data")]
    [InlineData("do-not-contact", "fax", "letter", "The channel \"fax\" is unknown")]
    [InlineData("do-not-contact", null, " ", "An opt-out needs a source")]
    public async Task What_says_too_little_is_refused(string reason, string? channel, string source, string sentence) =>
        (await Should.ThrowAsync<InputException>(() => OptOuts.AddAsync(new OptOut(channel, reason, source, "cli:ada"), "email", ["a@example.com"], null, Cancel)))
            .Message.ShouldStartWith(sentence);

    private async Task SaveAsync(params CustomerIdentifier[] identifiers)
    {
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        await world.Pimm.Service<IdentifierStore>().SaveAsync(connection, identifiers, Cancel);
    }

    private Task<bool> WithheldAsync(Guid customer, string channel = "generic-csv") => AskAsync($"not {SuppressionGate.NotSuppressed("@customer", "@channel")}", customer, channel);

    private Task<bool> ObjectsAsync(Guid customer) => AskAsync($"not {SuppressionGate.MayBeLearnedFrom("@customer")}", customer, "");

    private async Task<bool> AskAsync(string condition, Guid customer, string channel)
    {
        await using var connection = await world.Pimm.Database.DataSource.OpenConnectionAsync(Cancel);
        return await connection.ExecuteScalarAsync<bool>($"select {condition}", new { customer, channel });
    }
}
