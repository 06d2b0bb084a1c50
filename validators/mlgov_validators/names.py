"""Names of people by dictionary and context: common given names and surnames of several languages, written down here by hand.

A name counts where a title or a word for it stands before it, or where a known given name is followed by a known surname. A list is
never whole: what it does not know is not found, and the page of priv.pii says so.
"""

from __future__ import annotations

import re

from mlgov_validators.kinds import Kind

GIVEN = frozenset(
    """
    James John Robert Michael William David Richard Joseph Thomas Charles Christopher Daniel Matthew Anthony Mark Donald Steven Paul
    Andrew Joshua Kenneth Kevin Brian George Timothy Ronald Edward Jason Jeffrey Ryan Jacob Gary Nicholas Eric Jonathan Stephen Larry
    Justin Scott Brandon Benjamin Samuel Gregory Alexander Patrick Frank Raymond Jack Dennis Jerry Tyler Aaron Jose Adam Nathan Henry
    Zachary Douglas Peter Kyle Noah Ethan Jeremy Walter Christian Keith Roger Terry Austin Sean Gerald Carl Harold Dylan Arthur
    Lawrence Jordan Jesse Bryan Billy Bruce Gabriel Joe Logan Alan Juan Albert Willie Elijah Wayne Randy Vincent Mason Roy Ralph Bobby
    Russell Bradley Philip Eugene Oliver Harry Simon Graham Stuart Nigel Ian Duncan Gareth Callum Lewis Liam Mary Patricia Jennifer
    Linda Elizabeth Barbara Susan Jessica Sarah Karen Lisa Nancy Betty Sandra Margaret Ashley Kimberly Emily Donna Michelle Carol
    Amanda Melissa Deborah Stephanie Dorothy Rebecca Sharon Laura Cynthia Amy Kathleen Angela Shirley Brenda Emma Anna Pamela Nicole
    Samantha Katherine Christine Helen Debra Rachel Carolyn Janet Maria Catherine Heather Diane Olivia Julie Joyce Victoria Ruth
    Virginia Lauren Kelly Christina Joan Evelyn Judith Andrea Hannah Jacqueline Megan Cheryl Jean Alice Martha Gloria Teresa Ann Sara
    Madison Frances Kathryn Janice Sophia Sophie Charlotte Jane Lucy Chloe Fiona Claire Tracy Danielle Tiffany Crystal Erin Kristen
    Natalie Brittany Amber Leah Holly Jill Julia Abigail Isabella Alexis Grace Rose Denise Hans Wolfgang Klaus Jürgen Dieter Manfred
    Uwe Günter Günther Horst Bernd Karl Heinz Werner Rainer Andreas Stefan Ralf Jörg Matthias Sebastian Florian Tobias Lukas Jan Felix
    Maximilian Jonas Leon Finn Niklas Philipp Johannes Ulrich Heinrich Friedrich Otto Kurt Gerhard Helmut Axel Holger Torsten Thorsten
    Sven Dirk Markus Ursula Monika Petra Renate Helga Karin Brigitte Ingrid Erika Gisela Sabine Claudia Susanne Gabriele Birgit Heike
    Katrin Kathrin Anja Silke Martina Stefanie Katharina Lena Lea Johanna Franziska Greta Pierre Michel André Philippe René Louis
    Alain Jacques Bernard Marcel Claude Henri Nicolas François Laurent Frédéric Éric Pascal Thierry Stéphane Olivier Julien Sébastien
    Christophe Antoine Guillaume Benoît Gilles Hugo Lucas Théo Mathis Marie Jeanne Françoise Monique Nathalie Isabelle Sylvie Martine
    Hélène Chantal Céline Aurélie Émilie Camille Élodie Léa Manon Chloé Inès Zoé Margaux Véronique Dominique Valérie Sandrine Corinne
    Odile Élise Amélie Mathilde Antonio José Manuel Francisco Javier Carlos Jesús Alejandro Miguel Rafael Pedro Ángel Pablo Fernando
    Sergio Luis Jorge Alberto Álvaro Diego Adrián Raúl Iván Rubén Enrique Óscar Ramón Vicente Andrés Joaquín Eduardo Carmen Ana Isabel
    Dolores Pilar Josefa Rosa Cristina Antonia Francisca Mercedes Lucía Marta Elena Raquel Concepción Paula Beatriz Rocío Silvia Nuria
    Alba Irene Inés Giuseppe Giovanni Mario Luigi Francesco Angelo Vincenzo Pietro Salvatore Carlo Franco Domenico Bruno Paolo Michele
    Giorgio Aldo Luciano Marco Alessandro Matteo Lorenzo Davide Simone Federico Riccardo Stefano Roberto Giulia Francesca Chiara
    Valentina Alessia Elisa Federica Giovanna Lucia Giuseppina Paola Caterina Ilaria Beatrice Piet Kees Willem Hendrik Johan Pieter
    Gerrit Maarten Bas Sander Jeroen Thijs Daan Sem Bram Lars Anneke Marieke Femke Sanne Lotte Anouk Piotr Krzysztof Andrzej Tomasz
    Paweł Marcin Michał Jakub Łukasz Grzegorz Mateusz Stanisław Zbigniew Jerzy Agnieszka Małgorzata Katarzyna Ewa Krystyna Elżbieta
    Zofia Magdalena Joanna Aleksandra Karolina Natalia Erik Anders Per Nils Mikael Olof Björn Gustav Emil Oskar Magnus Mats Eva
    Kristina Sofia Astrid Elin Maja Mikko Juha Matti Timo Antti Jari Päivi Anne Tiina Sari Aino Søren Jens Niels Mette Kirsten Hanne
    Ole Morten Kari Bjørn Ingeborg João Tiago Rui Nuno Gonçalo Luís Inês Catarina Mariana Fátima Joana Rita Thiago Felipe Gustavo
    Rodrigo Bruna Larissa Fernanda Camila Mehmet Mustafa Ahmet Ali Hüseyin Hasan İbrahim Murat Emre Fatma Ayşe Emine Hatice Zeynep
    Elif Merve Mohammed Muhammad Mohamed Ahmed Omar Youssef Ibrahim Khalid Hassan Hussein Abdullah Fatima Aisha Khadija Layla Amina
    Zainab Maryam Rahul Amit Rajesh Sanjay Vijay Suresh Anil Ravi Arjun Rohan Vikram Deepak Sunil Priya Anjali Pooja Neha Sunita
    Kavita Lakshmi Divya Meera Wei Jing Li Min Hiroshi Takashi Kenji Yuki Haruto Sakura Yoko Keiko Minh Linh Nguyen Jiho Minjun Ivan
    Dmitri Sergei Olga Tatiana Svetlana Vladimir Alexei Mikhail Katerina Nikolai Kwame Chidi Ngozi Amara Thabo Sipho
    """.split()  # noqa: SIM905  # a list of a thousand quoted words would hide what it holds
)
SURNAMES = frozenset(
    """
    Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson Anderson Thomas Taylor
    Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis Robinson Walker Young Allen King Wright Scott
    Torres Nguyen Hill Flores Green Adams Nelson Baker Hall Rivera Campbell Mitchell Carter Roberts Gomez Phillips Evans Turner Diaz
    Parker Cruz Edwards Collins Reyes Stewart Morris Morales Murphy Cook Rogers Gutierrez Ortiz Morgan Cooper Peterson Bailey Reed
    Kelly Howard Ramos Kim Cox Ward Richardson Watson Brooks Chavez Wood James Bennett Gray Mendoza Ruiz Hughes Price Alvarez Castillo
    Sanders Patel Myers Long Ross Foster Jimenez Powell Jenkins Perry Russell Sullivan Bell Coleman Butler Henderson Barnes Gonzales
    Fisher Vasquez Simmons Romero Jordan Patterson Alexander Hamilton Graham Reynolds Griffin Wallace Moreno West Cole Hayes Bryant
    Herrera Gibson Ellis Tran Medina Aguilar Stevens Murray Ford Castro Marshall Owens Harrison Fernandez Mcdonald Woods Washington
    Kennedy Wells Vargas Henry Chen Freeman Webb Tucker Burns Crawford Olson Simpson Porter Hunter Gordon Mendez Silva Shaw Snyder
    Mason Dixon Munoz Hunt Hicks Holmes Palmer Wagner Black Robertson Boyd Stone Doe Davies Bloggs Khan Begum Ahmed Singh Kaur Hussain
    Ali O'Brien O'Connor Byrne Ryan Walsh Müller Schmidt Schneider Fischer Weber Meyer Becker Schulz Hoffmann Schäfer Koch Bauer
    Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt Werner Schmitz Krause Meier
    Lehmann Schmid Schulze Maier Köhler Herrmann König Walter Mayer Huber Kaiser Fuchs Peters Lang Scholz Möller Weiß Jung Hahn
    Schubert Vogel Friedrich Keller Günther Frank Berger Winkler Roth Beck Lorenz Baumann Franke Albrecht Schuster Simon Ludwig Böhm
    Winter Kraus Schumacher Krämer Vogt Stein Jäger Otto Sommer Groß Seidel Bernard Dubois Robert Richard Petit Durand Leroy Moreau
    Laurent Lefebvre Michel David Bertrand Roux Vincent Fournier Morel Girard André Lefèvre Mercier Dupont Lambert Bonnet François
    Legrand Garnier Faure Rousseau Blanc Guérin Muller Roussel Nicolas Perrin Morin Mathieu Clément Gauthier Dumont Fontaine Chevalier
    Robin Masson Gérard Boyer Denis García González Rodríguez Fernández López Martínez Sánchez Pérez Gómez Martín Jiménez Hernández
    Díaz Muñoz Álvarez Alonso Gutiérrez Navarro Domínguez Vázquez Gil Ramírez Serrano Blanco Molina Suárez Ortega Delgado Marín Rubio
    Rossi Russo Ferrari Esposito Bianchi Romano Colombo Ricci Marino Greco Bruno Gallo Conti De Costa Giordano Mancini Rizzo Lombardi
    Moretti Barbieri Fontana Santoro Mariani Rinaldi Caruso Ferrara Galli Martini Leone Longo Gentile Martinelli Vitale Lombardo Serra
    Coppola Jansen Vries Berg Bakker Dijk Visser Janssen Smit Meijer Boer Mulder Groot Bos Vos Hendriks Leeuwen Dekker Brouwer Wit
    Dijkstra Nowak Kowalski Kowalska Wiśniewski Wójcik Kowalczyk Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski Kozłowski
    Jankowski Mazur Andersson Johansson Karlsson Nilsson Eriksson Larsson Olsson Persson Svensson Gustafsson Hansen Johansen Olsen
    Larsen Jensen Nielsen Pedersen Andersen Christensen Korhonen Virtanen Mäkinen Nieminen Santos Ferreira Pereira Oliveira Rodrigues
    Martins Sousa Fernandes Gonçalves Gomes Lopes Marques Alves Almeida Ribeiro Pinto Souza Lima Carvalho Yılmaz Kaya Demir Çelik
    Şahin Yıldız Öztürk Aydın Sharma Verma Gupta Kumar Shah Reddy Nair Iyer Mehta Joshi Das Rao Wang Li Zhang Liu Yang Huang Zhao Wu
    Zhou Sato Suzuki Takahashi Tanaka Watanabe Ito Yamamoto Nakamura Kobayashi Park Choi Pham Ivanov Smirnov Kuznetsov Popov Petrov
    Volkov Okafor Mensah Dlamini Nkosi
    """.split()  # noqa: SIM905  # as above
)

_WORD = r"[A-ZÀ-ŽŁ][a-zà-žß'’]{1,20}(?:-[A-ZÀ-ŽŁ][a-zà-žß]{1,20})?"
_PARTICLE = r"(?:[A-Z]\.? |van |van der |de |von |di |da |del |la |le ){0,2}"
_TITLE = r"(?:Mr|Mrs|Ms|Miss|Dr|Prof|Herr|Frau|Monsieur|Madame|Mme|Señor|Señora|Signor|Signora|Dhr|Mevr|Pan|Pani)"
_SAYS = r"(?:[Nn]ame|[Cc]ustomer|[Cc]lient|[Pp]atient|[Aa]pplicant|[Bb]orrower|[Dd]ear|[Kk]unde|[Pp]atientin|[Nn]om|[Nn]ombre|[Nn]ome)"


def _known(text: str) -> tuple[list[str], list[str]]:
    """The parts of `text` that are known given names, and those that are known surnames."""
    parts = [part.strip(".,:=\"'").split("-")[0] for part in text.split()]
    return [part for part in parts if part in GIVEN], [part for part in parts if part in SURNAMES]


def _named(text: str) -> bool:
    given, last = _known(re.sub(rf"^(?:{_TITLE}|{_SAYS})\b", "", text))
    return bool(given or last)


def _person(text: str) -> bool:
    given, last = _known(text)
    return any(one != other for one in given for other in last)


_SCREEN = r"[A-ZÀ-ŽŁ][^ ]+ (?:[A-Za-z.]{1,4} ){0,4}[A-ZÀ-ŽŁ]"
NAMED = Kind(
    name="person's name",
    core=rf"{_TITLE}\.? (?:{_WORD} {_PARTICLE})?{_WORD}|{_SAYS}[:=]? [\"']?{_WORD} {_PARTICLE}{_WORD}",
    valid=_named,
    checked=False,
    screen=_SCREEN,
    before=r"(?<!\w)",
    after=r"(?!\w)",
)
PERSON = Kind(
    name="person's name",
    core=rf"{_WORD} {_PARTICLE}{_WORD}(?: {_WORD})?|{_WORD}, {_WORD}",
    valid=_person,
    checked=False,
    screen=_SCREEN,
    before=r"(?<!\w)",
    after=r"(?!\w)",
)
