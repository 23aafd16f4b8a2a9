namespace Pimm.Core.Importing;

/// <summary>Proposes what columns are for by their names, in any letter case and with any separators, and by what they hold.</summary>
internal static class MappingProposal
{
    // Longer lists than these guess; a person corrects what is missing.
    private static readonly Dictionary<string, string> Customers = Synonyms(
        ("key", "key,customerkey,customerid,customer,customerref,userid,clientid,memberid,contactid,externalid,crmid,id,kundennr,kundennummer,kundenid"),
        ("identifier:email", "email,emailaddress,mail,emailadresse"), ("identifier:phone", "phone,phonenumber,mobile,mobilephone,telephone,tel,msisdn,telefon"),
        ("identifier:first-name", "firstname,givenname,forename,fn,vorname"), ("identifier:last-name", "lastname,surname,familyname,ln,nachname"),
        ("identifier:country", "countrycode,countryiso,iso2"), ("identifier:zip", "zip,zipcode,postcode,postalcode,plz"), ("identifier:maid", "maid,idfa,gaid,aaid,adid,mobileadid"),
        ("protected", "gender,sex,race,ethnicity,religion,disability,maritalstatus,nationality,sexualorientation,pregnancy,birthdate,dateofbirth,dob"),
        ("ignore", "name,fullname,contactname,displayname,username,street,address,addressline1,addressline2,iban,ssn,passport,ipaddress"),
        ("proxy", "neighbourhood,neighborhood,district,birthplace,nativelanguage,mothertongue"));

    private static readonly Dictionary<string, string> History = Synonyms(
        ("key", "key,customerkey,customerid,customer,customerref,userid,clientid,memberid,contactid,externalid,crmid,id,kundennr,kundennummer,kundenid"),
        ("time", "impressionat,impressiontime,time,timestamp,datetime,date,occurredat,eventtime,shownat,sentat"),
        ("amount", "amount,revenue,spend,orderamount,ordervalue,purchasevalue,conversionvalue"), ("targeted", "targeted"),
        ("arm", "arm,group,testgroup,variant,treatment,experimentgroup"),
        ("protected", "gender,sex,race,ethnicity,religion,disability,maritalstatus,nationality,sexualorientation,pregnancy,birthdate,dateofbirth,dob"));

    private static readonly Dictionary<string, string> Outcomes = Synonyms(
        ("event", "eventid,id,transactionid,orderid,conversionid"), ("event-kind", "kind,eventkind,eventtype,type,event"),
        ("key", "customer,customerkey,customerid,customerref,userid,externalid,key"), ("campaign", "campaign,campaignid"), ("wave", "wave,wavedate"),
        ("stage", "stage,funnelstage,step"), ("time", "occurredat,time,timestamp,datetime,eventtime,conversiontime"), ("amount", "amount,revenue,value,spend,conversionvalue"));

    public static ImportMapping Of(string kind, IReadOnlyList<ColumnValues> columns, Audience? audience)
    {
        var synonyms = kind switch { "customers" => Customers, "history" => History, _ => Outcomes };
        var taken = new HashSet<string>(StringComparer.Ordinal);
        var mapped = new List<ColumnMapping>();
        foreach (var column in columns)
        {
            var mapping = OfAudience(kind, column, audience) ?? ByName(synonyms, column) ?? ByValues(kind, column);
            // The first of two columns that look alike has the role; the other is an attribute or nothing.
            if (mapping.ParsedRole.IsAttribute || mapping.ParsedRole.Kind == RoleKind.Ignore || taken.Add(mapping.Role))
            {
                mapped.Add(mapping);
            }
            else
            {
                mapped.Add(Otherwise(kind, column));
            }
        }
        var keyed = mapped.Any(column => column.ParsedRole.Kind == RoleKind.Key);
        return new ImportMapping { Columns = mapped, Key = keyed || kind == "outcomes" ? null : ImportMapping.RowNumber };
    }

    private static ColumnMapping? OfAudience(string kind, ColumnValues column, Audience? audience)
    {
        var name = Detection.Normalised(column.Name);
        if (audience is null || kind == "outcomes")
        {
            return null;
        }
        if (Detection.Normalised(audience.KeyColumn) == name)
        {
            return new ColumnMapping(column.Name, "key");
        }
        if (kind == "history" && audience.Funnel.FirstOrDefault(stage => Detection.Normalised(stage) == name) is { } label)
        {
            return new ColumnMapping(column.Name, $"label:{label}");
        }
        return audience.Attributes.FirstOrDefault(attribute => Detection.Normalised(attribute.Name) == name) is { } known
            ? new ColumnMapping(column.Name, known.Role ?? "feature", known.Kind, known.Name == column.Name ? null : known.Name)
            : null;
    }

    private static ColumnMapping? ByName(Dictionary<string, string> synonyms, ColumnValues column)
    {
        if (!synonyms.TryGetValue(Detection.Normalised(column.Name), out var role))
        {
            return null;
        }
        return ColumnRole.Parse(role).IsAttribute ? new ColumnMapping(column.Name, role, column.Type) : new ColumnMapping(column.Name, role);
    }

    private static ColumnMapping ByValues(string kind, ColumnValues column) =>
        kind == "customers" && column.LooksLikeEmails ? new ColumnMapping(column.Name, "identifier:email")
        : kind == "customers" && column.LooksLikePhones ? new ColumnMapping(column.Name, "identifier:phone")
        : kind == "history" && column.LooksLikeTimes ? new ColumnMapping(column.Name, "time")
        : Otherwise(kind, column);

    // A name that could be no attribute's is proposed with one that can.
    private static ColumnMapping Otherwise(string kind, ColumnValues column)
    {
        if (kind == "outcomes" || ProblemColumns.All.Contains(column.Name) || column.LooksLikeEmails || column.LooksLikePhones)
        {
            return new ColumnMapping(column.Name, "ignore");
        }
        var attribute = AudienceColumn.NameFor(column.Name);
        return new ColumnMapping(column.Name, "feature", column.Type, attribute == column.Name ? null : attribute);
    }

    private static Dictionary<string, string> Synonyms(params (string Role, string Names)[] roles) =>
        roles.SelectMany(role => role.Names.Split(',').Select(name => (name, role.Role))).ToDictionary(pair => pair.name, pair => pair.Role, StringComparer.Ordinal);
}
